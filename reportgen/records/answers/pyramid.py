"""A class pyramid in figures; its graph is a document of its own (`reportgen.records.pyramid_schema`)."""

from __future__ import annotations

from typing import ClassVar

from pydantic import Field

from reportgen.records.answers.base import Answer, Measured
from reportgen.records.targets import Target


class AblationFigures(Answer):
    """What removing some kernels does to the logit, beside removing as many others (mean and 95% interval).

    The others are of the same layers, as active, and not kept; None where a layer is kept nearly whole.
    """

    count: int = Field(ge=0)
    drop: float
    random_mean: Measured = None
    random_low: Measured = None
    random_high: Measured = None
    others: Measured = Field(None, description="Mean fall of the other classes' logits.")
    p: Measured = Field(None, description="How often these and the others, exchanged at random, cost as much.")
    draws: int = Field(0, ge=0, description="Exchanges that p is of.")


class ClassClips(Answer):
    """What removing the pathway costs its class on its other clips (`own`) and on clips of other classes.

    A cost is the fall of the class's logit beyond the mean fall of the others'; `p` is from relabelling the clips.
    """

    own: int = Field(ge=0)
    others: int = Field(ge=0)
    own_drop: float
    other_drop: float
    p: float = Field(ge=0, le=1)


class Unfollowed(Answer):
    """A module that mixes kernels otherwise than by a kernel: through it a pyramid has no answer."""

    module: str = Field(description="Name in the network; empty for the network itself.")
    through: str = Field(description="What mixes them: attention, a softmax over kernels ...")
    reached: bool = Field(description="Whether it is in the pyramid, or behind its last layer.")


class PyramidAnswer(Answer):
    """One target on one clip."""

    analysis: ClassVar[str] = "pyramid"

    logit: float = Field(description="Above the mean of all classes' logits; as it is of one, or of classes apart.")
    target: Target
    target_title: str | None = None
    clip: str
    scoring: str
    kernels: int = Field(ge=0)
    edges: int = Field(ge=0)
    conservation_error: Measured = None
    bias_share: Measured = None
    curvature_share: Measured = None
    graph_kernels: int = Field(0, ge=0)
    graph_edges: int = Field(0, ge=0)
    boundaries: tuple[str, ...] = ()
    unfollowed: tuple[Unfollowed, ...] = Field((), description="Where it has no answer which kernel feeds which.")
    unknown_operations: dict[str, int] = Field(default_factory=dict)
    ablation: dict[str, AblationFigures] = Field(
        default_factory=dict, description="Per layer, and ``together`` for all kept kernels at once."
    )
    class_clips: ClassClips | None = Field(
        None, description="The same on clips that the pathway was not chosen on; null without labelled ones."
    )
