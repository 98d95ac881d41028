"""Which kernels a report shows."""

from __future__ import annotations

from typing import ClassVar, Literal

from pydantic import Field

from reportgen.records.answers.base import Answer

ChoiceRule = Literal["selective", "spread", "first", "listed", "all"]


class ChoiceAnswer(Answer):
    """The kernels of each layer that are shown, and why these."""

    analysis: ClassVar[str] = "choice"

    kernels: dict[str, tuple[int, ...]]
    rule: ChoiceRule = Field(
        description="selective: those that tell the reference clips apart best; spread: evenly spaced ones; "
        "first: the first; listed: those that were named; all: every kernel."
    )
