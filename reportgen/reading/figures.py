"""The figures of one kernel, joined from everything that was measured of it."""

from __future__ import annotations

from dataclasses import dataclass

from reportgen.reading.shown_words import ShownWord
from reportgen.records.answers.path import PathAnswer
from reportgen.records.answers.pattern import PatternAnswer


@dataclass(frozen=True)
class KernelFigures:
    """What was measured of a kernel; None where it was not. Speeds in px/frame, degrees: 0 right, 90 down.

    `contrast` is the standard deviation of the synthetic clip's pixels, of a range of 1; `even_kept` is the share of
    its activation that a clip of one even colour keeps. `response_of_median` and `best_of_median` are the largest
    response to the probed and to the reference clips, as multiples of the median over the layer's kernels.
    `best_change` is how much each of the clips that drive it most changes from frame to frame, as a share of the
    clip's spread. `fires` is False where no clip that the search met has the kernel fire: nothing that its last clip
    shows is then a figure of the kernel.
    """

    activation: float | None = None
    fires: bool = True
    contrast: float | None = None
    even_kept: float | None = None
    pattern: PatternAnswer | None = None
    best_real: float | None = None
    percentile: float | None = None
    reference_clips: int = 0
    explained_variance: float | None = None
    still_variance: float | None = None
    motion_explains: float | None = None
    step: float | None = None
    step_explained: float | None = None
    step_coherence: float | None = None
    reversals: float | None = None
    drift: float | None = None
    flicker_explained: float | None = None
    flicker_reversals: float | None = None
    brightness_explained: float | None = None
    swing_explained: float | None = None
    swing_chance: float | None = None
    steady_explained: float | None = None
    steady_chance: float | None = None
    psnr: float | None = None
    evidence_share: float | None = None
    mean_speed: float | None = None
    speed_margin: float | None = None
    moving_share: float | None = None
    changing_share: float | None = None
    direction: float | None = None
    coherence: float | None = None
    activation_kept: float | None = None
    texture_activation: float | None = None
    reversed_activation: float | None = None
    real_kept_frozen: float | None = None
    real_kept_reversed: float | None = None
    dissolved_loss: float | None = None
    best_change: tuple[float, ...] = ()
    word: ShownWord | None = None
    response_of_median: float | None = None
    best_of_median: float | None = None
    path: PathAnswer | None = None

    @property
    def motion_reliance(self) -> float | None:
        """Share of the response to the clips that drive the kernel most which their best frozen frame loses."""
        return None if self.real_kept_frozen is None else 1 - self.real_kept_frozen

    @property
    def times_best(self) -> float | None:
        """The synthetic clip's activation as a multiple of the best reference clip's; None where there is no ratio."""
        if self.activation is None or self.best_real is None or self.best_real <= 0:
            return None
        return self.activation / self.best_real

    @property
    def reversed_kept(self) -> float | None:
        """Share of the activation that the clip keeps when it is played backwards."""
        if self.reversed_activation is None or self.activation is None or self.activation <= 0:
            return None
        return self.reversed_activation / self.activation

    @property
    def texture_kept(self) -> float | None:
        """Share of the activation that the still texture alone reaches."""
        if self.texture_activation is None or self.activation is None or self.activation <= 0:
            return None
        return self.texture_activation / self.activation
