"""How many clips are probed, as far as it may be told; needs no torch."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from reportgen.analyses.parameters import NO_PART_OF_KEY, Count, Parameters


class MotionParameters(Parameters):
    """How many variants of how many clips are probed."""

    draws: Count = Field(4, description="Shuffled and scrambled variants of each clip.")
    clips: Annotated[int, Field(ge=0), NO_PART_OF_KEY] = Field(
        140, description="Reference clips that are probed for all classes and kernels, at most; 0: none."
    )
    work: float | None = Field(
        None,
        gt=0,
        description="Multiply-adds of one clip's variants at most, in 1e9: of a large network's clip only some frames "
        "are frozen.",
    )
