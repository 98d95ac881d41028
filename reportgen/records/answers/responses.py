"""A layer's maps of a clip in figures, and the orders in which its kernels can be shown."""

from __future__ import annotations

from typing import ClassVar, Literal

from pydantic import Field

from reportgen.records.answers.base import Answer, Measured
from reportgen.records.base import Frozen

OrderName = Literal["none", "kmeans", "kmeans10", "component", "published", "hierarchical"]


class KernelOrder(Frozen):
    """One order of a layer's kernels, and how well it brings like maps together."""

    name: OrderName
    title: str
    order: tuple[int, ...] = Field(description="The kernel at each place.")
    groups: tuple[int, ...] = Field((), description="The group of each kernel, by its index; none: no groups.")
    silhouette: Measured = Field(None, description="Mean silhouette of the groups, over whole maps.")
    explained_variance: Measured = Field(
        None, description="Share of the variance of the maps between the groups, or along the component."
    )
    neighbour_correlation: Measured = Field(None, description="Mean correlation of maps that are neighbours.")
    tried: tuple[tuple[int, Measured], ...] = Field(
        (), description="Numbers of groups among which the silhouette chose, each with its silhouette."
    )

    @property
    def group_count(self) -> int:
        """How many groups there are."""
        return len(set(self.groups))


class ResponsesAnswer(Answer):
    """What one layer answers to one clip, kernel by kernel, position by position."""

    analysis: ClassVar[str] = "responses"

    clip: str
    layer: str
    file_name: str = Field(description="Stem of the files: L{n}_{layer}, n the layer's place in the network from 1.")
    rectified: bool
    still: bool = Field(description="Whether the maps are those of a picture: without a time axis.")
    kernels: int = Field(ge=1)
    computed: tuple[int, int, int] = Field(description="Frames, rows and columns of a map.")
    kept: tuple[int, int, int] = Field(description="Frames, rows and columns of a map as it is kept.")
    averaged: int = Field(1, ge=1, description="Positions a side of which the mean is kept.")
    every_frame: int = Field(1, ge=1, description="Every how many frames one is kept.")
    exact: bool = Field(description="Whether values are those of the network, and not rounded to 11 significant bits.")
    minimum: float
    maximum: float
    scale: float = Field(description="Magnitude at the end of the colours: one for all kernels and frames.")
    otsu: int = Field(ge=0, le=255, description="Otsu's threshold of the values as bytes.")
    percentiles: tuple[int, ...] = Field(description="The bytes at the percentiles 0 to 100.")
    moments: tuple[float, ...] = Field(description="The clip's frame, from 0, at which each kept frame looks.")
    moments_known: bool = Field(description="Whether they follow from the network; else they are spread evenly.")
    orders: tuple[KernelOrder, ...]
