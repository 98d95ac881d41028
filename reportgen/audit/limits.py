"""Every threshold of the report, in one place: what passes, what warns, and from which figure a sentence is said."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Self

from pydantic import AllowInfNan, BaseModel, ConfigDict, Field, ValidationError

from reportgen.errors import OptionError
from reportgen.records.validation import sentences

Number = Annotated[float, AllowInfNan(False)]

Limit = tuple[Number, Number]
"""From which figure a check passes, and from which it warns instead of failing; a falling scale has the first below."""


class Limits(BaseModel):
    """What the audit asks for; the table ``[check]`` of the configuration file changes it.

    Pages, badges, the audit table and `reportgen check` all judge by the same object. Falling figures (errors, shares
    of dead kernels) have the first limit below the second.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    above_real: Limit = Field(default=(0.9, 0.5), description="Share of synthetic clips above the best reference clip.")
    explained: Limit = Field(default=(0.5, 0.0), description="Share of kernels explained as texture plus motion.")
    explained_variance: Number = Field(
        default=0.8, description="Share of a clip's variance from which one moving texture is said to explain it."
    )
    motion_explains: Number = Field(
        default=0.5,
        description="Share of what a still picture leaves of a clip from which motion is said to explain it.",
    )
    steady: Number = Field(
        default=0.3,
        description="The same share from which one steady motion is said to explain it, with a speed and a direction.",
    )
    by_chance: Number = Field(
        default=0.005,
        description="Largest probability with which frames that jump at random would be explained as well.",
    )
    nearly_still: Number = Field(
        default=0.95,
        description="Share of a clip's variance from which a still picture is enough, whatever little changes.",
    )
    turns: int = Field(
        default=2, ge=1, description="Changes of sign from which motion goes back and forth, or a clip flickers."
    )
    turning_drift: Number = Field(
        default=0.5,
        description="Share of its way that may be left of motion back and forth.",
    )
    swing: Number = Field(
        default=0.8,
        description="Share of the way to and fro that one even swing explains, from which it goes back and forth.",
    )
    one_line: Number = Field(
        default=0.9,
        description="How far all steps are one motion, forwards or backwards, from which it goes back and forth.",
    )
    smallest_step: Number = Field(default=0.1, description="Steps in px from which a picture goes back and forth.")
    flicker: Number = Field(
        default=0.8,
        description="Share of a clip's variance from which a still picture and one changing pattern explain it.",
    )
    flicker_alone: Number = Field(
        default=0.98,
        description="The same share from which nothing is said to move in what flickers.",
    )
    dissolves: Number = Field(
        default=0.03,
        description="Share of a clip's variance that one pattern explains beyond motion, from which it is no motion.",
    )
    step_beside_flicker: Number = Field(
        default=0.9,
        description="Share of the change between frames from which motion explains it where flicker does, too.",
    )
    motion_behind_flicker: Number = Field(
        default=0.2,
        description="Share of a clip's variance that flicker explains beyond motion, from which it is flicker.",
    )
    activation_kept: Limit = Field(
        default=(0.8, 0.5),
        description="Activation that the moved texture keeps of a kernel's.",
    )
    natural_path: Limit = Field(default=(0.9, 0.5), description="Share of synthetic clips that take a natural path.")
    rank_p: Number = Field(
        default=0.05, description="Largest p of a likeness among clips that have no reason to be alike (path, seeds)."
    )
    seeds_agree: Limit = Field(default=(0.9, 0.5), description="Share of synthetic clips that other seeds find again.")
    comparable: Number = Field(
        default=0.5,
        description="Share of kernels that could be tested (for duplicates, natural paths) that a check needs to pass.",
    )
    redundant: Limit = Field(default=(0.05, 0.25), description="Share of dead or duplicate kernels, falling.")
    conservation: Limit = Field(
        default=(1e-3, 0.1),
        description="Share of a logit that curvature leaves over, falling.",
    )
    pathways: Limit = Field(default=(1.0, 0.5), description="Share of class pathways that beat random kernels.")
    pathway_p: Number = Field(
        default=0.05,
        description="Largest p at which a pathway costs its class more than chance does.",
    )
    pathway_draws: int = Field(default=99, ge=1, description="Draws of other kernels that the causal check needs.")
    pathway_clips: int = Field(
        default=5,
        ge=1,
        description="Other clips of its class that a pathway needs to fail on them.",
    )
    completeness: Limit = Field(
        default=(0.01, 0.05),
        description="Largest error of integrated gradients' sum, falling.",
    )
    faithful_maps: Limit = Field(default=(0.8, 0.5), description="Share of saliency maps that are faithful.")
    map_weights: Limit = Field(
        default=(0.5, 0.8), description="Likeness of a method's maps when all weights are shuffled, falling."
    )
    map_noise: Limit = Field(default=(0.5, 1.0), description="Relative change of a map under faint noise, falling.")
    map_seeds: Limit = Field(default=(0.8, 0.5), description="Rank correlation between the maps of two seeds.")
    random_maps: int = Field(default=10, ge=1, description="Random maps that a comparison needs to pass or fail.")
    curve_steps: int = Field(default=6, ge=1, description="Steps of insertion and deletion that it needs.")
    reference_clips: int = Field(
        default=10,
        ge=1,
        description="Reference clips that a synthetic one must outdo to pass.",
    )
    motion_classes: int = Field(
        default=5,
        ge=1,
        description="Classes that must be probed for none to rely on motion to fail.",
    )
    class_clips: int = Field(
        default=5,
        ge=1,
        description="Clips of its own that a class's mean needs to pass or fail by.",
    )
    motion_reliance: Number = Field(
        default=0.5,
        description="Share of its logit or response that what relies on motion loses, frozen and dissolved.",
    )
    motion_ignored: Number = Field(
        default=0.1,
        description="Share of its logit or response under which a class or kernel loses next to nothing frozen.",
    )
    near_silent: Number = Field(
        default=0.1,
        description="Share of the layer's median response, over kernels that clips drive, under which a kernel is "
        "near-silent: ratios of its responses are not told.",
    )
    plain: Number = Field(
        default=0.02,
        description="Standard deviation of a clip's pixels (range 1) under which it is plain.",
    )
    even: Number = Field(
        default=0.95,
        description="Share of its activation that a clip of one even colour keeps, from which no pattern is named.",
    )
    stands_still: Number = Field(default=0.1, description="Mean speed in px/frame under which a texture stands still.")
    changing: Number = Field(
        default=0.05,
        description="Share of the frame that changes from which a clip does not stand still, though a still picture "
        "explains nearly all of it.",
    )
    one_direction: Number = Field(
        default=0.6,
        description="Coherence (0 to 1, all the same) from which a direction is named.",
    )
    reversed: Number = Field(
        default=0.5,
        description="Share of its activation that a clip played backwards must fall under for a direction to be named.",
    )
    motion_evidence: Number = Field(
        default=0.05,
        description="Share of pixels with visible motion needed to speak of it.",
    )
    still_clip: Number = Field(
        default=0.02,
        description="Mean change from frame to frame, as a share of a clip's spread, under which it stands still.",
    )
    coloured: Number = Field(default=0.35, description="Saturation from which a pattern's colour is named.")
    black: Number = Field(default=0.15, description="Brightness under which a colour is called black.")
    white: Number = Field(default=0.85, description="Brightness from which a colour without a hue is called white.")
    label_word: Number = Field(default=0.9, description="AUROC from which a label word is said to drive a kernel.")
    label_q: Number = Field(
        default=0.05,
        description="Largest q, over a layer's kernels, at which a label word is said.",
    )
    concepts: Limit = Field(default=(1.0, 0.0), description="Share of tested concepts that some kernel stands out for.")
    concept_auroc: Number = Field(
        default=0.9,
        description="AUROC from which a kernel is said to stand out for a concept.",
    )
    concept_q: Number = Field(default=0.05, description="Largest q, over all kernels, at which a concept is said.")
    gradient_error: Limit = Field(
        default=(1e-6, 1e-4), description="Relative error of weight gradients against central differences, falling."
    )
    importance_clips: int = Field(
        default=8, ge=2, description="Clips on which filters must be removed before a score is said to order them best."
    )
    importance_draws: int = Field(default=19, ge=1, description="Random removals that this needs, too.")
    importance_p: Number = Field(
        default=0.05, description="Largest p at which a score does better than chance, and than another score."
    )
    mixed: Number = Field(
        default=0.7,
        description="Largest share of one other word among a word's strongest clips of a kernel that minds none.",
    )
    indifferent: Number = Field(
        default=0.75, description="Largest AUROC of the labels' other words under which a kernel does not mind them."
    )

    @classmethod
    def of(cls, given: Self | Mapping[str, Any] | None) -> Self:
        """Return limits that are given as such, as a plain dict like the table [check], or not at all: the usual ones.

        Raises OptionError, which names every bad value.
        """
        if isinstance(given, cls):
            return given
        try:
            return cls.model_validate(dict(given or {}))
        except ValidationError as error:
            raise OptionError(f"The limits are not valid: {' '.join(sentences(error, cls, 'check'))}") from error
