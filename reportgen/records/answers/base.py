"""The base of all answers."""

from __future__ import annotations

from typing import Annotated, ClassVar

from pydantic import AfterValidator, AllowInfNan, ConfigDict, Field, Strict

from reportgen.records.base import Frozen

_Finite = Annotated[float | None, AllowInfNan(False)]
_NotFinite = Annotated[float, Strict(), AllowInfNan(True), AfterValidator(lambda _: None)]

Measured = Annotated[_Finite | _NotFinite, Field(union_mode="left_to_right")]
"""A number that may be missing: one that is not finite is none, for JSON has no word for it.

The first of these is looked at without a call of Python's: an answer may have millions.
"""


class Answer(Frozen):
    """What an analysis found out about one unit: everything that pages, audit and comparison may ask of it.

    Only what the job's key determines belongs here; seconds and memory stand in the record beside it.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    analysis: ClassVar[str]
    """Name of the analysis that gives it."""
