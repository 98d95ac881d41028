"""What a kernel's picture reaches while it grows through many sizes."""

from __future__ import annotations

from typing import ClassVar, Literal

from pydantic import Field

from reportgen.records.answers.base import Answer, Measured

MeasuredOn = Literal["whole", "part", "enlarged"]
"""What of the last picture was measured at the network's own size."""


class MultiscaleAnswer(Answer):
    """The picture of one kernel, grown from noise."""

    analysis: ClassVar[str] = "multiscale"

    layer: str
    index: int = Field(ge=0)
    objective: str = Field(description="What the response means: firing, channel or neuron.")
    shapes: tuple[tuple[int, int, int], ...] = Field(description="Frames, height and width of each size, in order.")
    activations: tuple[Measured, ...] = Field(
        description="Response to the noise, then to the picture at the end of each size, all of it."
    )
    native_activation: Measured = Field(
        description="Response to a clip of the network's own size, in float32, as that of the method kernels."
    )
    measured_on: MeasuredOn = Field(description="What of the last picture that clip is.")
    passed_on: bool = Field(False, description="Whether a ReLU of that response's map is all that others are given.")
    steps: int = Field(ge=1, description="Steps of Adam at each size.")
    blur: int = Field(0, ge=0, description="Side of the box blur after each enlargement, px.")
    bounded: bool = Field(True, description="Whether pixels were kept between black and white at each step.")
    curve: tuple[Measured, ...] = Field((), description="Activation before each step, size after size.")
