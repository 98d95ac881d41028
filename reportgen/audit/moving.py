"""Whether a kernel's clip is one texture that moves: what badges, sentences and charts all go by."""

from __future__ import annotations

from typing import Literal

from reportgen.audit.limits import Limits
from reportgen.reading.figures import KernelFigures

Alternation = Literal["back and forth", "flicker"]
"""What goes on without leading anywhere."""

Jumps = Literal["steps", "chance", "pattern"]
"""Why what moves has no speed and no direction."""


def shows_one_colour(figures: KernelFigures, limits: Limits) -> bool:
    """Return whether the clip is of one even colour, whose faintest changes say nothing."""
    return figures.contrast is not None and figures.contrast < limits.plain


def shows_no_pattern(figures: KernelFigures, limits: Limits) -> bool:
    """Return whether no pattern drives the kernel: the clip has none, or an even colour alone does nearly as much."""
    return shows_one_colour(figures, limits) or _at_least((figures.even_kept, limits.even))


def moving_texture(figures: KernelFigures, limits: Limits) -> bool | None:
    """Return whether one moving texture explains the clip; None where it was not measured.

    It does where it explains most of the clip, and one steady motion explains what a still picture leaves, unless that
    is next to nothing and nothing moves. A clip that is plain, or too even to show motion, is neither explained nor
    refuted by it: None.
    """
    if shows_no_pattern(figures, limits) or figures.explained_variance is None or figures.evidence_share is None:
        return None
    if figures.evidence_share < limits.motion_evidence:
        return None
    if turning(figures, limits) == "back and forth" and not moves_beyond_still(figures, limits):
        return False  # a motion that is smooth in time, which is shown, does not follow it
    if figures.explained_variance < limits.explained_variance:
        return False
    if jumps(figures, limits) is not None:
        return _rests(figures, limits)
    return moves_beyond_still(figures, limits) or (_nearly_still(figures, limits) and _rests(figures, limits))


def jumps(figures: KernelFigures, limits: Limits) -> Jumps | None:
    """Return what says that a clip's motion is not steady; None where nothing does, or it was not measured.

    "steps" where one steady motion explains too little; "chance" where frames that jump at random would be explained
    as well; "pattern" where one that comes and goes explains the clip: two pictures that take turns, of which each
    may have come from either side, or, where motion explains less, one that dissolves into another.
    """
    if figures.steady_explained is not None and figures.steady_explained < limits.steady:
        return "steps"
    if _at_least((figures.flicker_explained, limits.flicker_alone)):
        turns = _at_least((figures.flicker_reversals, limits.turns))
        if turns or (figures.flicker_explained or 0.0) > (figures.explained_variance or 0.0) + limits.dissolves:
            return "pattern"
    by_chance = figures.steady_chance is not None and figures.steady_chance > limits.by_chance
    return "chance" if by_chance else None


def relies_on_motion(reliance: float | None, dissolved: float | None, limits: Limits) -> bool:
    """Whether a class or kernel of this motion reliance is said to rely on motion; not where it is not known.

    `dissolved` is what it loses where the first frame dissolves into the last: it must lose as much then, for what
    keeps its answer to a clip that changes and does not move needs change alone.
    """
    if reliance is None or reliance < limits.motion_reliance:
        return False
    return dissolved is None or dissolved >= limits.motion_reliance


def moves_beyond_still(figures: KernelFigures, limits: Limits) -> bool:
    """Whether motion explains enough of what a still picture leaves; so, too, where that was not measured."""
    return figures.motion_explains is None or figures.motion_explains >= limits.motion_explains


def _nearly_still(figures: KernelFigures, limits: Limits) -> bool:
    return figures.still_variance is not None and figures.still_variance >= limits.nearly_still


def _rests(figures: KernelFigures, limits: Limits) -> bool:
    """Return whether next to nothing moves in a clip, and a still picture explains it, as far as that is known.

    Of what jumps from frame to frame, or turns brighter and darker, a smooth motion sees nothing.
    """
    if figures.mean_speed is None or figures.mean_speed >= limits.stands_still or _trembles(figures, limits):
        return False
    if _at_least((figures.changing_share, limits.changing)):
        return False  # a part of low contrast moves or flickers
    if figures.still_variance is None or _nearly_still(figures, limits):
        return True
    steps = _at_least((figures.step, limits.stands_still), (figures.step_explained, limits.motion_explains))
    pattern = _at_least((figures.flicker_explained, limits.flicker_alone))
    return figures.still_variance >= limits.explained_variance and not steps and not pattern


def _trembles(figures: KernelFigures, limits: Limits) -> bool:
    """Return whether a clip jumps here and there, which changes little where its picture is smooth.

    Steps from frame to frame explain what changes, and lead nowhere; of noise on a picture they explain little.
    """
    steps = _at_least((figures.step, limits.smallest_step), (figures.step_explained, limits.step_beside_flicker))
    return steps and _at_most((figures.drift, limits.turning_drift))


def turning(figures: KernelFigures, limits: Limits) -> Alternation | None:
    """Return whether the clip goes back and forth or flickers; None where it does neither, is plain or not measured."""
    if shows_no_pattern(figures, limits):
        return None
    if _swings(figures, limits):
        return "back and forth"
    flicker = flicker_explained(figures)
    flickers = _at_least(
        (flicker, limits.flicker),
        (_beyond_still(flicker, figures), limits.motion_explains),
        (figures.flicker_reversals, limits.turns),
    )
    moves = _at_least((figures.motion_explains, limits.motion_explains)) and not _rather_flickers(figures, limits)
    steps = _at_least((figures.step_explained, limits.motion_explains))  # here and there, in no order
    surely = _at_least((figures.step_explained, limits.step_beside_flicker))
    moves = moves or surely or (steps and not _at_least((flicker, limits.flicker_alone)))
    return "flicker" if flickers and not _nearly_still(figures, limits) and not moves else None


def flicker_explained(figures: KernelFigures) -> float | None:
    """Return the share of a clip's variance that changes of brightness or contrast explain; None where not measured.

    Of what a pattern that comes and goes explains, only so much is a change of brightness as one picture explains
    whose contrast and mean colour change.
    """
    explained, brightness = figures.flicker_explained, figures.brightness_explained
    return explained if explained is None or brightness is None else min(explained, brightness)


def _swings(figures: KernelFigures, limits: Limits) -> bool:
    """Return whether one motion turns back again and again, evenly; unknown evenness counts as even."""
    flickers = _at_least((flicker_explained(figures), limits.flicker_alone))
    if flickers and not _at_least((figures.step_explained, limits.step_beside_flicker)):
        return False  # edges seem to move where they turn brighter
    if figures.swing_explained is not None and figures.swing_explained < limits.swing:
        return False
    return _at_least(
        (figures.step_explained, limits.motion_explains),
        (figures.step_coherence, limits.one_line),
        (figures.reversals, limits.turns),
        (figures.step, limits.smallest_step),
    ) and _at_most((figures.drift, limits.turning_drift), (figures.swing_chance or 0.0, limits.by_chance))


def _beyond_still(explained: float | None, figures: KernelFigures) -> float | None:
    """Return the share of what a still picture leaves that is explained; the share itself where that is not known."""
    still = figures.still_variance
    if explained is None or still is None:
        return explained
    return 1.0 if still >= 1 else (explained - still) / (1 - still)


def _rather_flickers(figures: KernelFigures, limits: Limits) -> bool:
    """Return whether flicker explains clearly more than motion: a wave that stays and turns is two that move apart."""
    explained, flicker = figures.explained_variance, flicker_explained(figures)
    return explained is not None and flicker is not None and flicker >= explained + limits.motion_behind_flicker


def _at_least(*judged: tuple[float | None, float]) -> bool:
    return all(value is not None and value >= least for value, least in judged)


def _at_most(*judged: tuple[float | None, float]) -> bool:
    return all(value is not None and value <= most for value, most in judged)


def stands_still(figures: KernelFigures, limits: Limits) -> bool:
    """Return whether the clip was found to be a texture without motion, also none that turns back again and again.

    Many slow frames lead far: where that is known, a still picture must explain the clip.
    """
    return _rests(figures, limits) and turning(figures, limits) is None


def texture_and_motion(figures: KernelFigures, limits: Limits) -> bool | None:
    """Return whether one texture and one motion make up a clip that moves; None where it stands still, or is unknown.

    A picture that stands still is explained by its texture alone: it is no evidence for or against a motion.
    """
    found = moving_texture(figures, limits)
    return None if found and stands_still(figures, limits) else found


def one_direction(figures: KernelFigures, limits: Limits) -> bool:
    """Return whether the clip moves in one direction that the kernel minds: played backwards it loses half or more."""
    either_way = figures.reversed_kept is not None and figures.reversed_kept >= limits.reversed
    return not either_way and figures.coherence is not None and figures.coherence >= limits.one_direction
