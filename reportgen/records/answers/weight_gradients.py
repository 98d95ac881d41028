"""How a class answers to the weights of every convolution, and whether that tells which filters matter."""

from __future__ import annotations

from typing import ClassVar, Literal

from pydantic import Field

from reportgen.records.answers.base import Answer, Measured
from reportgen.records.targets import Target

ClassRole = Literal["reference", "similar", "dissimilar", "target"]


class LayerGradient(Answer):
    """One layer's gradient on one clip: L2 norms by filter, and the filters (`drawn`) that are shown and kept."""

    shape: tuple[int, ...] = Field(description="Filters, input channels of each, and its taps.")
    norm: float
    drawn: tuple[int, ...] = ()
    channels: tuple[int, ...] = Field((), description="Input channels of each filter that are drawn.")
    scale: Measured = Field(None, description="The gradient at which the picture's colours end.")


class ClipGradients(Answer):
    """The gradients of one target on one clip, by layer."""

    clip: str
    target: Target
    target_title: str
    logit: float
    layers: dict[str, LayerGradient]


class CheckedLayer(Answer):
    """Central differences of one layer: relative errors of the weights drawn, and of one random direction."""

    weights: int = Field(ge=0)
    error: Measured = None
    direction: Measured = None
    smaller_steps: int = Field(0, ge=0)


class CheckedGradients(Answer):
    """The numeric check of the gradients; `reason` why it was not made."""

    clip: str
    target_title: str
    shape: tuple[int, ...] = ()
    whole: tuple[int, ...] = Field((), description="The clip's own shape, where it was cropped for the check.")
    single: Measured = Field(None, description="Largest relative error of the float32 gradients.")
    layers: dict[str, CheckedLayer] = Field(default_factory=dict)
    reason: str | None = None

    @property
    def worst(self) -> float | None:
        """The largest relative error; None where nothing was compared."""
        found = [value for row in self.layers.values() for value in (row.error, row.direction) if value is not None]
        return max(found, default=None)


class LayerImportance(Answer):
    """Two scores of a layer's filters for one class, lists by filter; `agreement` is their rank correlation."""

    published: tuple[float, ...] = Field(description="L2 norm of the filter's gradient, mean over the clips.")
    first_order: tuple[float, ...] = Field(description="|<W, dy/dW>|, mean over the clips.")
    agreement: Measured = None


class ClassImportance(Answer):
    """How important each filter is to one class, or target, over `clips` clips."""

    role: ClassRole
    target: Target
    title: str
    clips: int = Field(ge=1)
    layers: dict[str, LayerImportance]


class LikenessOfGradients(Answer):
    """How like a layer's gradient is to that on the first clip of the comparison."""

    cosine: Measured = None
    rank: Measured = None


class ComparedClip(Answer):
    """One clip of the comparison; `again` is a second clip like the first."""

    role: ClassRole
    outcome: Literal["correct", "wrong"]
    again: bool = False
    clip: str
    label: int
    predicted: int
    logit: float
    layers: dict[str, LikenessOfGradients]


class ClassComparison(Answer):
    """The gradients of the reference class's logit on clips of three classes; `missing` says what there is none of."""

    reference: int
    similar: int | None = None
    dissimilar: int | None = None
    given: tuple[ClassRole, ...] = ()
    labelled: int = Field(ge=0)
    accuracy: float
    cases: tuple[ComparedClip, ...]
    missing: tuple[str, ...]


class RemovalCurve(Answer):
    """What is left at each share of removed filters, with the 95% interval over clips (over draws, for random ones)."""

    score: str
    order: Literal["least", "most", "random"]
    mean: tuple[float, ...]
    low: tuple[float, ...] | None = None
    high: tuple[float, ...] | None = None


class ScoreOrdering(Answer):
    """How well a score orders the filters; see `reportgen.analyses.weight_gradients.ordering`."""

    score: str
    area: float
    low: Measured = None
    high: Measured = None
    p_least: float
    p_most: float


class ScoreDifference(Answer):
    """How much better one score orders the filters than another."""

    better: str
    other: str
    difference: float
    low: Measured = None
    high: Measured = None
    p: float


class ImportanceTest(Answer):
    """The removal of filters by each score, and by chance.

    `measure` is what is left: accuracy over labelled clips, the logit above the mean of all, or minus the change of a
    value. `shares` are the shares removed, `removed` the filters.
    """

    measure: Literal["accuracy", "logit", "change"]
    clips: int = Field(ge=1)
    scored: int = Field(ge=1)
    draws: int = Field(ge=1)
    intact: float
    filters: int = Field(ge=1)
    shares: tuple[float, ...]
    removed: tuple[int, ...]
    curves: tuple[RemovalCurve, ...]
    scores: tuple[ScoreOrdering, ...]
    pairs: tuple[ScoreDifference, ...]


class ModelImportance(Answer):
    """What holds of the network as a whole; what could not be asked has its reason."""

    check: CheckedGradients | None = None
    classes: tuple[ClassImportance, ...] = ()
    comparison: ClassComparison | None = None
    no_comparison: str | None = None
    removal: ImportanceTest | None = None
    no_removal: str | None = None
    unreadable: int = Field(0, ge=0)


class WeightGradientAnswer(Answer):
    """Either one target on one shown clip, or the whole model."""

    analysis: ClassVar[str] = "weight_gradients"

    shown: ClipGradients | None = Field(None, description="One target on one shown clip.")
    overall: ModelImportance | None = Field(None, description="Over the reference clips.")
