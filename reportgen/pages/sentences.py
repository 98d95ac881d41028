"""What a kernel's figures say, in words: fixed rules over measured numbers; where they say nothing, that is said."""

from __future__ import annotations

from dataclasses import dataclass

from reportgen.pages.format import number, percent, plural

PLAIN = 0.02
"""Standard deviation of a clip's pixels, of a range of 1, under which the clip is said to be plain."""

STANDS_STILL = 0.1
"""Mean speed in px/frame under which a texture is said to stand still."""

ONE_DIRECTION = 0.6
"""Direction coherence (0 none, 1 all the same) from which a direction is named."""

LEAST_EVIDENCE = 0.05
"""Share of the clip's pixels whose motion can be seen, under which nothing is said about motion."""

MOTION_MATTERS = 0.5
"""Share of the response to a real clip that its best frozen frame leaves, under which motion is said to matter."""

MOST_KEPT = 0.8
"""Share of the stage 1 activation from which a part is said to explain the kernel."""

_DIRECTIONS = ("right", "down and right", "down", "down and left", "left", "up and left", "up", "up and right")


@dataclass(frozen=True)
class KernelFigures:
    """What was measured of a kernel; None where it was not. Speeds in px/frame, degrees: 0 right, 90 down.

    `contrast` is the standard deviation of the synthetic clip's pixels, of a range of 1.
    """

    activation: float | None = None
    contrast: float | None = None
    best_real: float | None = None
    percentile: float | None = None
    reference_clips: int = 0
    explained_variance: float | None = None
    psnr: float | None = None
    texture_plus_motion: bool | None = None
    evidence_share: float | None = None
    mean_speed: float | None = None
    direction: float | None = None
    coherence: float | None = None
    activation_kept: float | None = None
    texture_activation: float | None = None
    real_kept_frozen: float | None = None
    path_similarity: float | None = None
    seed_similarity: float | None = None

    @property
    def motion_reliance(self) -> float | None:
        """Share of the response to the real clips that drive the kernel most which their best frozen frame loses."""
        return None if self.real_kept_frozen is None else 1 - self.real_kept_frozen

    @property
    def hides_motion(self) -> bool:
        """Whether the synthetic clip stands still although freezing the best real clip costs most of its response."""
        still = self.mean_speed is not None and self.mean_speed < STANDS_STILL
        return still and self.real_kept_frozen is not None and self.real_kept_frozen < MOTION_MATTERS

    @property
    def times_best(self) -> float | None:
        """The synthetic clip's activation as a multiple of the best real clip's; None where a ratio means nothing."""
        if self.activation is None or self.best_real is None or self.best_real <= 0:
            return None
        return self.activation / self.best_real

    @property
    def texture_kept(self) -> float | None:
        """Share of the activation that the still texture alone reaches."""
        if self.texture_activation is None or self.activation is None or self.activation <= 0:
            return None
        return self.texture_activation / self.activation


def direction_word(degrees: float) -> str:
    """Return the nearest of eight directions; 0 is right, 90 is down (image coordinates)."""
    return _DIRECTIONS[round(degrees % 360 / 45) % 8]


def preference(figures: KernelFigures) -> str:
    """Return one sentence about what the kernel wants, or why nothing can be said."""
    if figures.contrast is not None and figures.contrast < PLAIN:
        return (
            "A plain clip: of all that the search met, even brightness or colour drives this kernel most, "
            "and no pattern or motion."
        )
    if figures.evidence_share is not None and figures.evidence_share < LEAST_EVIDENCE:
        return "Nothing can be said about motion: the texture is too even to show any."
    if figures.explained_variance is None or figures.texture_plus_motion is None or figures.mean_speed is None:
        return "Nothing can be said in words: this kernel's clip was not decomposed into texture and motion."
    if not figures.texture_plus_motion:
        return (
            "Not texture plus motion: one moving picture explains only "
            f"{percent(max(figures.explained_variance, 0.0))} of this clip, so no direction is named."
        )
    return _motion_sentence(figures, figures.mean_speed)


def _motion_sentence(figures: KernelFigures, speed: float) -> str:
    if figures.hides_motion:
        return (
            f"This clip stands still ({number(speed, 2)} px/frame), but real clips drive the kernel by "
            "their motion: it shows a part of what the kernel responds to."
        )
    if speed < STANDS_STILL:
        return f"Responds most to a texture that stands still ({number(speed, 2)} px/frame)."
    if figures.coherence is None or figures.direction is None or figures.coherence < ONE_DIRECTION:
        agreed = "" if figures.coherence is None else f" (coherence {number(figures.coherence, 2)})"
        return f"Responds most to a texture moving at {number(speed, 2)} px/frame in no single direction{agreed}."
    return f"Responds most to a texture moving {direction_word(figures.direction)} at {number(speed, 2)} px/frame."


def reservations(figures: KernelFigures) -> list[str]:
    """Return what must be said beside the preference so that nobody takes it for more than it is."""
    found = []
    kept = figures.activation_kept
    if figures.texture_plus_motion and kept is not None and kept < MOST_KEPT:
        found.append(
            f"The moved texture keeps only {percent(max(kept, 0.0))} of the activation: part of it is missing."
        )
    still = figures.texture_kept
    moves = figures.mean_speed is not None and figures.mean_speed >= STANDS_STILL
    if still is not None and still >= MOST_KEPT and moves:
        found.append(f"The still texture alone reaches {percent(still)} of the activation: motion hardly matters.")
    if figures.activation is not None and figures.best_real is not None and figures.activation <= figures.best_real:
        found.append("A real clip drives this kernel at least as much: the optimisation has not found its optimum.")
    return found


def evidence(figures: KernelFigures) -> str:
    """Return one sentence that sets the synthetic activation against real clips."""
    if figures.activation is None:
        return "No synthetic clip was computed for this kernel."
    reached = f"Activation {number(figures.activation)}"
    if figures.reference_clips == 0:
        return f"{reached}; no reference clips were measured, so there is nothing to compare it with."
    clips = plural(figures.reference_clips, "reference clip")
    if figures.times_best is None:
        best = "none" if figures.best_real is None else number(figures.best_real)
        return f"{reached}; none of {clips} drives this kernel above zero (best {best})."
    return f"{reached} is {number(figures.times_best, 2)} times that of the best of {clips}."
