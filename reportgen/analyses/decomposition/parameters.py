"""How a clip is taken apart, as far as it may be told; needs no torch."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from reportgen.analyses.parameters import NO_PART_OF_KEY, Count, Parameters


class DecompositionParameters(Parameters):
    """How a clip is taken apart."""

    reference_frame: int | None = Field(
        None, ge=0, description="Frame whose pixels the texture has, counted from 0; without it the middle one."
    )
    solver: Literal["gauss-newton", "adam"] = Field(
        "gauss-newton", description="How the motion is found; adam is the slow reference version."
    )
    clips_per_batch: Annotated[Count | None, NO_PART_OF_KEY] = Field(
        None, description="Clips at once; without it as many as the device suggests."
    )
