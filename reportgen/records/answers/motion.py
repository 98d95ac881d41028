"""What is left of classes and kernels when a clip's motion is taken away or changed."""

from __future__ import annotations

from functools import cached_property
from typing import ClassVar

from pydantic import Field

from reportgen.records.answers.base import Answer, Measured
from reportgen.records.answers.relative import of_median
from reportgen.records.targets import Target


class Probe(Answer):
    """What one probe does to a target on a clip: its value for each variant; a class's rank, and what is predicted.

    Of classes of which each is true or not by itself the rank is 0 where the class is said and 1 where it is not, and
    nothing is predicted where none is said.
    """

    logits: tuple[float, ...]
    ranks: tuple[int, ...] = ()
    predicted: tuple[str, ...] = ()
    what: str

    @property
    def recognised(self) -> float:
        """The share of the variants that are still taken for the class."""
        return sum(rank == 0 for rank in self.ranks) / len(self.ranks) if self.ranks else 0.0

    @property
    def best(self) -> int:
        """The variant that keeps most of the logit."""
        return max(range(len(self.logits)), key=self.logits.__getitem__)


class ClipProbes(Answer):
    """The probes of one target on one clip; logits are above the mean of all classes', if they exclude each other."""

    clip: str
    target: Target
    target_title: str | None = None
    logit: float
    rank: int | None = Field(None, ge=0, description="Place among the classes; None where it is no class.")
    motion_reliance: Measured
    dissolved_loss: Measured = None
    order_sensitivity: Measured
    best_frame: int | None = None
    probes: dict[str, Probe]


class MeanProbes(Answer):
    """The means over clips of what the probes take, each with its 95% interval; None where it is not known."""

    motion_reliance: Measured = None
    motion_reliance_low: Measured = None
    motion_reliance_high: Measured = None
    dissolved_loss: Measured = None
    dissolved_loss_low: Measured = None
    dissolved_loss_high: Measured = None
    order_sensitivity: Measured = None
    order_sensitivity_low: Measured = None
    order_sensitivity_high: Measured = None


class ClassProbes(MeanProbes):
    """A target's means over its clips with 95% intervals; `kept` is the share of clips whose class is still known.

    The means are over the `measured` clips on which the target stands out.
    """

    target: Target
    target_title: str | None = None
    clips: int = Field(ge=0)
    measured: int = Field(ge=0)
    kept: dict[str, float] = Field(default_factory=dict)


class Left(Answer):
    """The share that a probe leaves of the responses of a layer's kernels.

    `whole` is the share of all responses of the layer to all clips, with its 95% interval over the clips.
    """

    whole: Measured = None
    whole_low: Measured = None
    whole_high: Measured = None


class LayerProbes(Answer):
    """A layer under the probes; `kept`, `clip` and `response` are lists by kernel.

    `measured` of its kernels are driven by a clip, so that their motion reliance is known.
    """

    left: dict[str, Left]
    measured: int
    clip: tuple[int, ...]
    response: tuple[Measured, ...]
    kept: dict[str, tuple[Measured, ...]]

    @property
    def reliance(self) -> tuple[float | None, ...]:
        """Every kernel's motion reliance."""
        return tuple(None if left is None else 1 - left for left in self.kept["frozen"])

    @cached_property
    def of_median(self) -> tuple[float | None, ...]:
        """Every kernel's largest response as a multiple of the layer's median; None where no clip drives it."""
        return of_median(self.response)

    @property
    def dissolved_loss(self) -> tuple[float | None, ...]:
        """What every kernel loses where the first frame dissolves into the last."""
        return tuple(None if left is None else 1 - left for left in self.kept["dissolved"])


class ModelProbes(MeanProbes):
    """The probes over the reference clips: `clips` of so many (`of`) were probed, `labelled` of them with a label.

    The means are over all clips and the classes asked of them.
    """

    clips: int = Field(ge=0)
    of: int = Field(ge=0)
    labelled: int = Field(ge=0)
    unreadable: int = Field(0, ge=0)
    names: tuple[str, ...]
    classes: tuple[ClassProbes, ...]
    layers: dict[str, LayerProbes]


class MotionAnswer(Answer):
    """Either one class on one clip, or the whole model."""

    analysis: ClassVar[str] = "motion"

    shown: ClipProbes | None = Field(None, description="One class on one shown clip.")
    overall: ModelProbes | None = Field(None, description="All classes and kernels over the reference clips.")
