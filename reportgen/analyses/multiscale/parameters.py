"""What the growth of a kernel's picture through many sizes may be told; needs no torch."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, field_validator

from reportgen.analyses.kernels.parameters import Precision
from reportgen.analyses.multiscale.schedule import GROWTH, MOST_SIZES
from reportgen.analyses.parameters import NO_PART_OF_KEY, Count, Parameters


class GrowthParameters(Parameters):
    """How a picture climbs at each size, and how it gets from one to the next."""

    growth: float = Field(
        default=GROWTH,
        gt=1,
        le=4,
        description="Each size is the integer part of so many times the last.",
    )
    steps: Count = Field(default=20, description="Steps of Adam at each size.")
    learning_rate: float = Field(default=0.1, gt=0, description="Length of a step of Adam; pixels go from 0 to 1.")
    weight_decay: float = Field(default=1e-6, ge=0, description="Weight decay of Adam, which pulls pixels to black.")
    blur: int = Field(default=0, ge=0, description="Side of the box blur after each enlargement in px, odd; 0: none.")
    bounded: bool = Field(
        default=True,
        description="Keep pixels between black and white at each step; without it only at the end, as published.",
    )
    precision: Precision = Field(
        default="auto",
        description="mixed: take the steps in bfloat16, measure in float32; auto: so where that is faster.",
    )
    batch_size: Annotated[Count | None, NO_PART_OF_KEY] = Field(
        default=None, description="Kernels at once; without it as many as memory holds."
    )

    @field_validator("blur")
    @classmethod
    def _odd(cls, blur: int) -> int:
        if blur and blur % 2 == 0:
            raise ValueError("give an odd number of px, or 0 for no blur")
        return blur


class MultiscaleParameters(GrowthParameters):
    """The growth of the pictures that a report shows."""

    count: Annotated[Count | None, NO_PART_OF_KEY] = Field(
        default=1,
        description="Kernels of each layer at most, of those that are shown; listed ones (--kernels) are all taken.",
    )
    layers: Annotated[Count | None, NO_PART_OF_KEY] = Field(
        default=None,
        description="Of the network's own stages at most so many, spread over its depth; without it all, or three of a "
        "clip of less than 224 px. Layers that --layers chooses are all taken.",
    )
    start: Count | None = Field(
        default=None,
        description="First size in px; without it 56, or a quarter of the network's clip where that is less.",
    )
    sizes: int | None = Field(
        default=None,
        ge=1,
        le=MOST_SIZES,
        description="How many sizes; without it 12 of a still picture, and of a clip, or below 224 px, as many as hold "
        "the network's own size.",
    )
    work: float | None = Field(
        default=12_000,
        gt=0,
        description="Multiply-adds of a kernel's growth at most, in 1e9: the largest sizes are left out.",
    )
