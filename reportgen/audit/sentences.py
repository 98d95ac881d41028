"""What stands beside a kernel's headline: how its activation compares, and what the moved texture leaves out."""

from __future__ import annotations

from reportgen.audit.limits import Limits
from reportgen.audit.moving import moving_texture
from reportgen.audit.silence import known_times, near_silent, silence_in_words
from reportgen.reading.figures import KernelFigures
from reportgen.reading.format import number, percent, plural


def reservations(figures: KernelFigures, limits: Limits) -> list[str]:
    """Return what must be said beside the headline so that nobody takes its pictures for more than they are."""
    kept = figures.activation_kept
    if kept is None or not moving_texture(figures, limits) or kept >= limits.activation_kept[0]:
        return []
    return [f"The moved texture keeps only {percent(max(kept, 0.0))} of the activation: part of it is missing."]


def evidence(figures: KernelFigures, limits: Limits) -> str:
    """Return one sentence that sets the synthetic activation against reference clips."""
    if figures.activation is None:
        return "No synthetic clip was computed for this kernel."
    reached = f"Activation {number(figures.activation)}"
    if figures.reference_clips == 0:
        return f"{reached}; no reference clips were measured, so there is nothing to compare it with."
    clips = plural(figures.reference_clips, "reference clip")
    drive = "drives" if figures.reference_clips == 1 else "drive"
    if figures.times_best is None:
        best = "none" if figures.best_real is None else number(figures.best_real)
        which = "the only reference clip does not drive" if figures.reference_clips == 1 else f"none of {clips} drives"
        return f"{reached}; {which} this kernel above zero (best {best})."
    if figures.best_of_median is not None and near_silent(figures.best_of_median, limits):
        silence = silence_in_words(figures.best_of_median, limits)
        return f"{reached}; {clips} barely {drive} this kernel (best {number(figures.best_real)}): {silence}."
    best = "the only reference clip" if figures.reference_clips == 1 else f"the best of {clips}"
    return f"{reached} is {number(known_times(figures, limits), 2)} times that of {best}."
