"""The base of all answers."""

from __future__ import annotations

import math
from typing import Annotated, ClassVar

from pydantic import BeforeValidator, ConfigDict

from reportgen.records.base import Frozen


def _finite(value: object) -> object:
    return None if isinstance(value, float) and not math.isfinite(value) else value


Measured = Annotated[float | None, BeforeValidator(_finite)]
"""A number that may be missing: one that is not finite is none, for JSON has no word for it."""


class Answer(Frozen):
    """What an analysis found out about one unit: everything that pages, audit and comparison may ask of it.

    Only what the job's key determines belongs here; seconds and memory stand in the record beside it.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    analysis: ClassVar[str]
    """Name of the analysis that gives it."""
