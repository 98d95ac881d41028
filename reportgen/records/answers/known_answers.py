"""What a method found in a case whose answer is known, beside that answer."""

from __future__ import annotations

from typing import ClassVar, Literal

from pydantic import Field

from reportgen.records.answers.base import Answer, Measured
from reportgen.records.base import Frozen

Comparison = Literal["equal", "least", "most"]
"""Whether a figure must equal the known one (within the margin), reach at least it, or at most."""


class KnownFigure(Frozen):
    """One figure of a case: what was found, and what must be found."""

    what: str
    found: Measured = None
    asked: Comparison = "equal"
    known: float
    margin: float = Field(0.0, ge=0, description="How far from the known figure the found one may lie.")
    unit: str = ""

    @property
    def holds(self) -> bool:
        """Whether the method found what it must; a figure that is missing is none."""
        if self.found is None:
            return False
        off = self.found - self.known
        return {"equal": abs(off) <= self.margin, "least": off >= -self.margin, "most": off <= self.margin}[self.asked]


class KnownAnswer(Answer):
    """A method's case, computed together with the run."""

    analysis: ClassVar[str] = "known_answers"

    case: str = Field(description="Section of the methods page to which it belongs.")
    method: str
    version: int = Field(ge=1, description="The method's version when it was computed.")
    planted: str = Field(description="What the case is, in a sentence.")
    figures: tuple[KnownFigure, ...] = Field(min_length=1)

    @property
    def holds(self) -> bool:
        """Whether all figures are as they must be."""
        return all(figure.holds for figure in self.figures)
