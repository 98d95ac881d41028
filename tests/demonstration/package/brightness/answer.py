"""What the method answers; needs no torch, so that pages read it where nothing is computed."""

from __future__ import annotations

from typing import ClassVar

from pydantic import Field

from reportgen.records.answers.base import Answer, Measured


class BrightnessAnswer(Answer):
    """How bright one clip is."""

    analysis: ClassVar[str] = "brightness"

    mean_brightness: Measured = Field(description="Mean over all pixels, 0 to 1.")
    bright_share: Measured = Field(description="Share of pixels above the threshold.")
