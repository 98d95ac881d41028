"""Which kernels a report shows."""

from __future__ import annotations

from typing import ClassVar, Literal

from pydantic import Field

from reportgen.records.answers.base import Answer

ChoiceRule = Literal["important", "selective", "spread", "first", "listed", "all"]


class ChoiceAnswer(Answer):
    """The kernels of each layer that are shown, and why these."""

    analysis: ClassVar[str] = "choice"

    kernels: dict[str, tuple[int, ...]]
    rule: ChoiceRule = Field(
        description="important: those that pyramids keep, then selective ones; "
        "selective: those whose responses labels explain best on half of the clips, or that one clip "
        "drives most; spread: evenly spaced ones; "
        "first: the first; listed: those that were named; all: every kernel."
    )
