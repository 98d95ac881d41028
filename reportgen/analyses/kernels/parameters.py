"""What the search for a kernel's clip may be told; needs no torch."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Literal

from pydantic import Field, Strict, field_validator

from reportgen.analyses.choice.selection import SelectionText
from reportgen.analyses.parameters import NO_PART_OF_KEY, Count, Parameters, Unread

Basis = Literal["fft", "pixels"]
Compile = Literal["auto", "always", "never"]
Precision = Literal["auto", "float32", "mixed"]


#: Multiply-adds of a kernel's search on whole clips, in 1e9, from which `small_first` lets it begin in a part of the
#: frame: some seconds. Shorter ones would gain little time by it, and lose some hundredths of the activation.
LONG_SEARCH = 500.0


class SearchParameters(Parameters):
    """How a clip is written and what keeps it natural: the same for every search of one report."""

    basis: Basis = Field(
        default="fft", description="Free parameters of a clip: space-time frequencies, or pixels as published."
    )
    learning_rate: float = Field(
        default=0.1, gt=0, description="Length of a step, in standard deviations of the unbounded pixels."
    )
    contrast: float = Field(
        default=0.5,
        gt=0,
        description="Standard deviation of the noise that the search starts from.",
    )
    total_variation: float = Field(
        default=0.0,
        ge=0,
        description="Weight of a penalty on differences of neighbouring pixels.",
    )
    temporal_smoothness: float = Field(
        default=0.0, ge=0, description="Weight of a penalty on differences of neighbouring frames."
    )
    jitter: Annotated[tuple[int, int], Strict(False)] | None = Field(
        default=None,
        description="Largest shift of each view in (frames, px); without it anywhere on the periodic canvas.",
    )
    scale: Annotated[tuple[float, float], Strict(False)] = Field(
        default=(1.0, 1.0), description="Smallest and largest magnification of a view."
    )
    rotation: float = Field(default=0.0, ge=0, le=180, description="Largest rotation of a view in degrees, either way.")
    power: float = Field(
        default=1.0,
        ge=0,
        description="How fast frequencies fade: gain 1 / frequency ** power. Not in cool-downs and first layers.",
    )
    temporal_weight: float = Field(
        default=1.0, ge=0, description="What a temporal frequency counts beside a spatial one where frequencies fade."
    )
    decorrelated: bool = Field(default=True, description="Optimise decorrelated colours, as those of photographs are.")
    precision: Precision = Field(
        default="auto", description="mixed: explore in bfloat16, end in float32; auto: so where that is faster."
    )

    @field_validator("jitter")
    @classmethod
    def _shifts(cls, jitter: tuple[int, int] | None) -> tuple[int, int] | None:
        if jitter is not None and min(jitter) < 0:
            raise ValueError("give frames and pixels, neither negative")
        return jitter

    @field_validator("scale")
    @classmethod
    def _magnifications(cls, scale: tuple[float, float]) -> tuple[float, float]:
        if not 0 < scale[0] <= scale[1]:
            raise ValueError("give the smallest and the largest magnification")
        return scale

    def unread(self) -> Mapping[str, Unread]:
        """Return what a clip of pixels has no use for."""
        if self.basis == "fft":
            return {}
        return dict.fromkeys(("power", "temporal_weight"), Unread("basis", 'only the basis "fft" has frequencies'))


class AscentParameters(SearchParameters):
    """A search, and how long it may take."""

    steps: Count = Field(default=128, description="Steps of the search at most, but for further cool-downs.")
    early_stop: bool = Field(default=True, description="End sooner where a kernel's activation no longer rises.")
    grow: bool = Field(default=False, description="Explore on clips that just hold what a unit sees, which costs less.")
    small_first: bool = Field(
        default=False,
        description="Begin long searches of deeper layers in a part of the frame, where cheap from several starts.",
    )
    batch_size: Annotated[Count | None, NO_PART_OF_KEY] = Field(
        default=None, description="Kernels at once; without it as many as memory holds."
    )
    cuda_graphs: Annotated[bool, NO_PART_OF_KEY] = Field(
        default=False, description="On a GPU record a step once and replay it."
    )
    compile: Annotated[Compile, NO_PART_OF_KEY] = Field(
        default="auto",
        description="Compile the layers in front of the target; auto: where that is little beside the work.",
    )


class KernelParameters(AscentParameters):
    """The search for the clips that a report shows."""

    count: Annotated[SelectionText, NO_PART_OF_KEY] = Field(
        default="3", description='Kernels of each layer that are shown: a number, "all", or a list such as "0,4,8-11".'
    )
    steps: Count = Field(default=96, description="Steps of the search at most, but for further cool-downs.")
    small_first: bool = Field(
        default=True,
        description="Begin long searches of deeper layers in a part of the frame, where cheap from several starts.",
    )
    work: float | None = Field(
        default=None,
        gt=0,
        description="Multiply-adds of a kernel's search at most, in 1e9: large networks take fewer steps.",
    )
