"""What a kernel looks for: the figures of activation maximisation."""

from __future__ import annotations

from typing import ClassVar

from pydantic import Field

from reportgen.records.answers.base import Answer, Measured
from reportgen.records.answers.pattern import PatternAnswer


class KernelAnswer(Answer):
    """The synthetic clip of one kernel."""

    analysis: ClassVar[str] = "kernels"

    layer: str
    index: int = Field(ge=0)
    activation: Measured = Field(description="Response to the clip at native size, in float32, without transforms.")
    contrast: Measured = Field(None, description="Standard deviation of the clip's pixels, of a range of 1.")
    even_activation: Measured = Field(None, description="Response to the best clip of one even colour about this one.")
    pattern: PatternAnswer | None = Field(None, description="What the clip's frames look like, in words.")
    objective: str = Field(description="What the response means: firing, channel or neuron.")
    passed_on: bool = Field(False, description="Whether a ReLU of that response's map is all that others are given.")
    steps: int = Field(ge=0)
    curve: tuple[Measured, ...] = Field((), description="Activation while optimising, step by step.")
