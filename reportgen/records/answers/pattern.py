"""What the frames of a clip look like: its kind of pattern, and its measures."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from reportgen.records.answers.base import Answer, Measured

PatternKind = Literal["stripes", "checks", "dots", "blobs", "noise", "plain"]
"""The kinds that have a word."""

Colour = tuple[float, float, float]
"""R G B in [0, 1]."""


class PatternAnswer(Answer):
    """What the frames of a clip look like."""

    kind: PatternKind | None = Field(description="None where no word is sure.")
    orientation: Measured = Field(None, description="Of stripes, in degrees: 0 horizontal, 45 falling to the right.")
    size: Measured = Field(None, description="In px: period of stripes, side of a check, width of a blob.")
    ends: tuple[Colour, Colour] | None = Field(
        None, description="The colours between which most pixels lie, the darker first; None where channels are none."
    )
