"""Which maps are kept, and how their kernels are ordered, as far as it may be told; needs no torch."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from reportgen.analyses.parameters import NO_PART_OF_KEY, Count, Parameters


class ResponsesParameters(Parameters):
    """Whose maps are kept, how large, and how their kernels are ordered."""

    clips: Annotated[Count | None, NO_PART_OF_KEY] = Field(
        1, description="Clips of which the maps are kept, the first ones of those shown; none: all of them."
    )
    values: Count = Field(
        4096, description="Values of a kernel's map at most: larger maps are averaged over neighbouring positions."
    )
    exact: bool = Field(
        False, description="Keep float32 as it is, and not rounded to the 11 significant bits of half precision."
    )
    rectified: bool = Field(False, description="Keep what a ReLU leaves of the maps, and not what it is given.")
    clusters: int = Field(10, ge=2, description="Groups of k-means where their number is not chosen, as published.")
    most_clusters: int = Field(12, ge=2, description="Largest number of groups that the silhouette chooses from.")
    row: int | None = Field(
        None, ge=0, description="Row of the maps that the published order goes by; none: the middle one."
    )
