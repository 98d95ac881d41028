"""What a kernel's figures say, in words: fixed rules over measured numbers; where they say nothing, that is said."""

from __future__ import annotations

from reportgen.audit.limits import Limits
from reportgen.audit.moving import Alternation, moving_texture, relies_on_motion, stands_still, turning
from reportgen.audit.silence import known_reliance, known_times, near_silent, silence_in_words
from reportgen.reading.excerpt import Excerpt
from reportgen.reading.figures import KernelFigures
from reportgen.reading.format import fixed, number, percent, plural, with_margin
from reportgen.records.answers.evidence import LabelWord

MOST_WORDS = 6
"""Words listed in a sentence."""

DIRECTIONS = ("right", "down and right", "down", "down and left", "left", "up and left", "up", "up and right")


def direction_word(degrees: float) -> str:
    """Return the nearest of eight directions; 0 is right, 90 is down (image coordinates)."""
    return DIRECTIONS[round(degrees % 360 / 45) % 8]


def hides_motion(figures: KernelFigures, limits: Limits) -> bool:
    """Whether the synthetic clip stands still although freezing the best real clip costs most of its response."""
    reliance = known_reliance(figures, limits)
    return stands_still(figures, limits) and relies_on_motion(reliance, figures.dissolved_loss, limits)


def overstates_motion(figures: KernelFigures, limits: Limits) -> bool:
    """Whether the synthetic clip moves although the real clips that drive the kernel keep their response frozen."""
    moves = figures.mean_speed is not None and figures.mean_speed >= limits.stands_still
    reliance = known_reliance(figures, limits)
    return moves and reliance is not None and reliance < limits.motion_ignored


def preference(figures: KernelFigures, limits: Limits) -> str:
    """Return one sentence about what the kernel wants, or why nothing can be said."""
    if figures.contrast is not None and figures.contrast < limits.plain:
        return (
            "A plain clip: of all that the search met, even brightness or colour drives this kernel most, "
            "and no pattern or motion."
        )
    course = turning(figures, limits)
    if course is not None:
        return _turning_sentence(course, figures, limits)
    if figures.evidence_share is not None and figures.evidence_share < limits.motion_evidence:
        return "Nothing can be said about motion: the texture is too even to show any."
    found = moving_texture(figures, limits)
    if figures.explained_variance is None or found is None or figures.mean_speed is None:
        return "Nothing can be said in words: this kernel's clip was not decomposed into texture and motion."
    return _motion_sentence(figures, figures.mean_speed, limits) if found else _refusal(figures, limits)


def _turning_sentence(course: Alternation, figures: KernelFigures, limits: Limits) -> str:
    still = figures.texture_kept
    if still is not None and still >= limits.activation_kept[0]:
        turns, kept = "flickers" if course == "flicker" else "goes back and forth", percent(still)
        return f"This clip {turns}, which adds nothing: its still texture alone reaches {kept} of the activation."
    if course == "flicker":
        return "Responds most to a texture that flickers: its brightness turns again and again, and nothing moves."
    return f"Responds most to a texture that goes back and forth, by {number(figures.step, 2)} px from frame to frame."


def _refusal(figures: KernelFigures, limits: Limits) -> str:
    explained = max(figures.explained_variance or 0.0, 0.0)
    if explained >= limits.explained_variance:
        return (
            "Not texture plus motion: of what a still picture leaves of this clip motion explains only "
            f"{percent(max(figures.motion_explains or 0.0, 0.0))}, so no direction is named."
        )
    return (
        f"Not texture plus motion: one moving picture explains only {percent(explained)} of this clip, so no direction "
        "is named."
    )


def _motion_sentence(figures: KernelFigures, mean_speed: float, limits: Limits) -> str:
    speed = with_margin(mean_speed, figures.speed_margin)
    if hides_motion(figures, limits):
        return (
            f"This clip stands still ({speed} px/frame), but real clips drive the kernel by "
            "their motion: it shows a part of what the kernel responds to."
        )
    if mean_speed < limits.stands_still:
        return f"Responds most to a texture that stands still ({speed} px/frame)."
    but = ""
    if overstates_motion(figures, limits):
        kept = min(figures.real_kept_frozen or 0.0, 1.0)
        but = f", but real clips that drive it keep {percent(kept)} of their response when nothing moves"
    if figures.coherence is None or figures.direction is None or figures.coherence < limits.one_direction:
        agreed = "" if figures.coherence is None else f" (coherence {number(figures.coherence, 2)})"
        return f"Responds most to a texture moving at {speed} px/frame in no single direction{agreed}{but}."
    if figures.reversed_kept is not None and figures.reversed_kept >= limits.reversed:
        backwards = percent(figures.reversed_kept)
        return (
            f"Responds most to a texture moving at {speed} px/frame, forwards or backwards: played "
            f"backwards, its clip keeps {backwards} of the activation, so no direction is named{but}."
        )
    direction = direction_word(figures.direction)
    return f"Responds most to a texture moving {direction} at {speed} px/frame{but}."


def reservations(figures: KernelFigures, limits: Limits) -> list[str]:
    """Return what must be said beside the preference so that nobody takes it for more than it is."""
    found = []
    kept, enough = figures.activation_kept, limits.activation_kept[0]
    if moving_texture(figures, limits) and kept is not None and kept < enough:
        found.append(
            f"The moved texture keeps only {percent(max(kept, 0.0))} of the activation: part of it is missing."
        )
    still = figures.texture_kept
    moves = figures.mean_speed is not None and figures.mean_speed >= limits.stands_still
    moves = moves and turning(figures, limits) is None  # of what turns, the preference says so
    if still is not None and still >= enough and moves:
        found.append(f"The still texture alone reaches {percent(still)} of the activation: motion hardly matters.")
    if figures.activation is not None and figures.best_real is not None and figures.activation <= figures.best_real:
        found.append("A real clip drives this kernel at least as much: the optimisation has not found its optimum.")
    return found


def evidence(figures: KernelFigures, limits: Limits) -> str:
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
    if figures.best_of_median is not None and near_silent(figures.best_of_median, limits):
        silence = silence_in_words(figures.best_of_median, limits)
        return f"{reached}; {clips} barely drive this kernel (best {number(figures.best_real)}): {silence}."
    return f"{reached} is {number(known_times(figures, limits), 2)} times that of the best of {clips}."


def word_is_said(word: LabelWord, limits: Limits) -> bool:
    """Whether a label word is said to drive a kernel.

    Not under the limit, nor where labels given to the clips at random have a word that leads as far too often: the
    best of some words is never at chance.
    """
    return word.auroc >= limits.label_word and (word.q is None or word.q <= limits.label_q)


def label_word(word: LabelWord, limits: Limits, *, held_out: bool = False) -> str:
    """Return what may be said of the label word that drives a kernel most.

    `held_out` says that its figures are of clips that had no part in choosing the kernel.
    """
    figures = _word_figures(word) + (", on clips that had no part in choosing this kernel" if held_out else "")
    if not word_is_said(word, limits):
        return f"No label of the real clips drives it clearly (best: “{word.text}”, {figures})."
    if not word.others:
        return f"Responds to clips of “{word.text}” ({figures})."
    others = Excerpt.of(word.others, MOST_WORDS)
    names = ", ".join(others) + (f" and {others.left_out} more" if others.left_out else "")
    if word.other is not None and word.other < limits.indifferent:
        return f"Responds to “{word.text}” ({figures}), whichever of {names} it comes with."
    return f"Responds to “{word.text}” ({figures}), more with some of {names} than with others."


def _word_figures(word: LabelWord) -> str:
    """Return a word's AUROC with all that is known of how far to believe it."""
    parts = [f"AUROC {fixed(word.auroc)}"]
    if word.low is not None and word.high is not None:
        parts.append(f"95% {fixed(word.low)} to {fixed(word.high)}")
    if word.clips is not None:
        parts.append(plural(word.clips, "clip"))
    if word.q is not None:
        parts.append(f"q {fixed(word.q, 3)}" if word.q >= 0.001 else "q < 0.001")
    return ", ".join(parts)
