"""What the reference clips say of the motion of a kernel's synthetic clip: each kind of evidence, for or against.

Four kinds are heard: the clips that drive the kernel most when frozen or dissolved, the same played backwards, whether
those clips themselves stand still, and the label word that drives the kernel. Only what was measured is heard, and a
near-silent kernel's shares are not.
"""

from __future__ import annotations

from collections.abc import Set
from dataclasses import dataclass
from typing import Literal

from reportgen.audit.limits import Limits
from reportgen.audit.moving import moving_texture, one_direction, relies_on_motion, stands_still, turning
from reportgen.audit.silence import known_reliance
from reportgen.audit.words_said import word_is_said
from reportgen.reading.figures import KernelFigures
from reportgen.reading.format import fixed, percent

Says = Literal["for", "against", "in part"]
"""Whether a kind of evidence bears out the synthetic clip."""

DIRECTIONS = ("right", "down and right", "down", "down and left", "left", "up and left", "up", "up and right")

STILL_WORDS = frozenset({"static", "still", "frozen", "stationary", "motionless"})
ANGLES = {"right": 0.0, "down": 90.0, "left": 180.0, "up": 270.0}
"""Directions of labels, in degrees: y points down."""

MOVING_WORDS = frozenset({"moving", "rotating", "zooming", *ANGLES})
"""Words of labels that say how a clip moves; others say nothing about it."""

RIGHT_ANGLE, ALONG = 90.0, 45.0
"""Stripes are seen to move across themselves: a motion within so many degrees of along them contradicts the word."""

HARDLY_ACROSS = 10.0
"""Degrees about the orientation of stripes in which a motion hardly shows on them: it may go either way across."""


@dataclass(frozen=True)
class Heard:
    """One kind of evidence of the reference clips: what it says of the synthetic clip, and a clause with its figure."""

    says: Says
    clause: str


def direction_word(degrees: float) -> str:
    """Return the nearest of eight directions; 0 is right, 90 is down (image coordinates)."""
    return DIRECTIONS[round(degrees % 360 / 45) % 8]


def claims_change(figures: KernelFigures, limits: Limits) -> bool | None:
    """Return whether the synthetic clip is said to move or flicker, or to stand still; None where neither is said."""
    if turning(figures, limits) is not None:
        return True
    if figures.mean_speed is None or not moving_texture(figures, limits):
        return None
    return not stands_still(figures, limits)


def named_direction(figures: KernelFigures, limits: Limits) -> str | None:
    """Return the direction that is named of the synthetic clip; None where none is."""
    if figures.direction is None or not _leads_on(figures, limits) or not one_direction(figures, limits):
        return None
    return direction_word(figures.direction)


def either_way(figures: KernelFigures, limits: Limits) -> bool:
    """Return whether the synthetic clip moves in one direction and is said to drive the kernel backwards as well."""
    if figures.direction is None or figures.coherence is None or figures.coherence < limits.one_direction:
        return False
    return _leads_on(figures, limits) and not one_direction(figures, limits)


def _leads_on(figures: KernelFigures, limits: Limits) -> bool:
    """Return whether the synthetic clip is said to move, and not to flicker or go back and forth."""
    return bool(claims_change(figures, limits)) and turning(figures, limits) is None


def heard(figures: KernelFigures, limits: Limits) -> list[Heard]:
    """Return what each kind of evidence says of the synthetic clip; nothing where nothing is claimed of it."""
    moves = claims_change(figures, limits)
    if moves is None:
        return []
    found = (
        _frozen(figures, limits, moves=moves),
        _backwards(figures, limits),
        _best_clips(figures, limits, moves=moves),
        _label(figures, limits, moves=moves),
    )
    return [one for one in found if one is not None]


def frozen_clause(figures: KernelFigures, limits: Limits) -> str:
    """Return what the clips that drive a kernel most keep when frozen, as a clause; empty where it is not told."""
    reliance = known_reliance(figures, limits)
    if reliance is None:
        return ""
    return f"frozen, those that drive it most keep {kept_words(1 - reliance)} of their response"


def kept_words(share: float) -> str:
    """Return a share that is kept; no less than none is, and from all on it is all."""
    if share >= 1:
        return f"all ({percent(share)})"
    return percent(max(share, 0.0))


def _frozen(figures: KernelFigures, limits: Limits, *, moves: bool) -> Heard | None:
    reliance, clause = known_reliance(figures, limits), frozen_clause(figures, limits)
    if reliance is None:
        return None
    dissolved = None if turning(figures, limits) == "flicker" else figures.dissolved_loss
    if relies_on_motion(reliance, dissolved, limits):
        return Heard("for" if moves else "against", clause)
    if reliance >= limits.motion_reliance and figures.dissolved_loss is not None:
        left = kept_words(1 - figures.dissolved_loss)
        return Heard("in part", f"{clause}, but {left} where the first frame dissolves into the last")
    if reliance < limits.motion_ignored:
        return Heard("against" if moves else "for", clause)
    return Heard("in part", clause)


def _backwards(figures: KernelFigures, limits: Limits) -> Heard | None:
    """Whether the clips that drive the kernel must run forwards, where a direction is named or said not to matter."""
    kept, named = figures.real_kept_reversed, named_direction(figures, limits) is not None
    if kept is None or known_reliance(figures, limits) is None or not (named or either_way(figures, limits)):
        return None
    if kept > limits.reversed and kept < 1 - limits.motion_ignored:
        return None
    agrees = (kept <= limits.reversed) is named
    return Heard("for" if agrees else "against", f"played backwards, they keep {kept_words(kept)}")


def _best_clips(figures: KernelFigures, limits: Limits, *, moves: bool) -> Heard | None:
    """What the clips themselves do; that they move says nothing of a still optimum, for most clips move."""
    if not figures.best_change or any(change >= limits.still_clip for change in figures.best_change):
        return None
    many = len(figures.best_change)
    clause = f"the {many} that drive it most stand still" if many > 1 else "the one that drives it most stands still"
    return Heard("against" if moves else "for", clause)


def _label(figures: KernelFigures, limits: Limits, *, moves: bool) -> Heard | None:
    if figures.word is None or not word_is_said(figures.word.word, limits):
        return None
    word = figures.word.word
    spoken = set(word.text.lower().split())
    still, moving = bool(spoken & STILL_WORDS), bool(spoken & MOVING_WORDS)
    if still is moving:  # a label that says neither, or a pair that says both
        return None
    clause = f"clips of “{word.text}” drive it most (AUROC {fixed(word.auroc)})"
    agrees = moves is moving
    if agrees and (told := spoken & ANGLES.keys()):
        same_way = _moves_that_way(figures, told, limits)
        if same_way is None:
            return None
        agrees = same_way
    return Heard("for" if agrees else "against", clause)


def moves_along_stripes(figures: KernelFigures, limits: Limits) -> bool:
    """Return whether stripes are said to move along themselves: what shows it is all that differs from them."""
    pattern = figures.pattern
    along = pattern.orientation if pattern is not None and pattern.kind == "stripes" else None
    if along is None or figures.direction is None or not named_direction(figures, limits):
        return False
    return abs((figures.direction - along + RIGHT_ANGLE) % 180 - RIGHT_ANGLE) < ALONG


def shows_motion_across_alone(figures: KernelFigures, limits: Limits) -> bool:
    """Return whether a direction is named of stripes: any motion along them as well would look the same."""
    stripes = figures.pattern is not None and figures.pattern.kind == "stripes"
    return stripes and bool(named_direction(figures, limits)) and not moves_along_stripes(figures, limits)


def _moves_that_way(figures: KernelFigures, told: Set[str], limits: Limits) -> bool | None:
    """Return whether the synthetic clip may move in a direction that is told; None where it cannot show that.

    Stripes that move to the right look as if they moved across themselves (the aperture problem): with that motion all
    agree that lead to the same side of them.
    """
    direction = named_direction(figures, limits)
    if direction is None or figures.direction is None or told & set(direction.split()):
        return True
    if not shows_motion_across_alone(figures, limits) or len(told) > 1:
        return False
    apart = abs((ANGLES[next(iter(told))] - figures.direction + 180) % 360 - 180)
    return None if abs(apart - RIGHT_ANGLE) <= HARDLY_ACROSS else apart < RIGHT_ANGLE
