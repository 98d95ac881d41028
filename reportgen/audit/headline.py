"""What a kernel answers to, in one argued sentence or two: what its synthetic clip shows, and what bears it out or not.

The first sentence says what the synthetic clip looks like and how it moves. The second says what the reference clips
say of that (`heard`); where they say otherwise it begins with "But" and the headline warns. No clause is said whose
figure was not measured.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from reportgen.audit.heard import (
    claims_change,
    either_way,
    frozen_clause,
    heard,
    moves_along_stripes,
    named_direction,
)
from reportgen.audit.limits import Limits
from reportgen.audit.moving import (
    flicker_explained,
    jumps,
    moves_beyond_still,
    moving_texture,
    shows_no_pattern,
    shows_one_colour,
    turning,
)
from reportgen.audit.pattern_words import pattern_words
from reportgen.audit.silence import near_silent, silence_in_words
from reportgen.audit.verdicts import State
from reportgen.audit.words_said import word_is_said
from reportgen.reading.figures import KernelFigures
from reportgen.reading.format import fixed, number, percent, with_margin

UNFIRED = "No clip that the search met makes this kernel fire: what its last clip shows tells nothing of the kernel."
"""Said of the objective that counts a kernel's firing, of which no step of the search found any."""

SAME_WAY = 0.1
"""Share of the period of stripes by which a motion is longer, at least, than the shortest that looks the same."""


@dataclass(frozen=True)
class KernelHeadline:
    """What a kernel answers to, and how sure that is.

    `state` is pass where reference clips bear the claim out and nothing contradicts it, warn where something does,
    untested where nothing was there to bear it out. `kinds` is how many kinds of evidence were heard, `agreeing` how
    many of them bear it out, and `in_part` how many do so in part.
    """

    state: State
    claim: str
    support: str = ""
    but: str = ""
    kinds: int = 0
    agreeing: int = 0
    in_part: int = 0

    @property
    def sentence(self) -> str:
        """The whole headline."""
        return " ".join(part for part in (self.claim, self.support, self.but) if part)

    @property
    def certainty(self) -> str:
        """How sure it is, in a few words."""
        if not self.kinds:
            return "not tested on reference clips"
        if self.kinds == 1:
            says = "agrees" if self.agreeing else "agrees in part" if self.in_part else "does not agree"
            return f"the only kind of evidence {says}"
        of = f"of {self.kinds} kinds of evidence agree"
        if self.in_part and not self.agreeing:
            return f"{self.in_part} {of} in part"
        return f"{self.agreeing} {of}" + (f", {self.in_part} in part" if self.in_part else "")


def headline(figures: KernelFigures, limits: Limits) -> KernelHeadline:
    """Return what may be said of a kernel from all that was measured of it."""
    if figures.activation is None:
        return KernelHeadline("untested", _without_clip(figures, limits))
    if not figures.fires:
        driven = figures.best_real is not None and figures.best_real > 0
        outdone = "But a reference clip does: the search has not found its optimum." if driven else ""
        return KernelHeadline("warn" if outdone else "untested", UNFIRED, _reference_sentence(figures, limits), outdone)
    claim, moves = synthetic_claim(figures, limits), claims_change(figures, limits)
    if moves is None:
        return KernelHeadline("untested", claim, _frozen_sentence(figures, limits), _outdone(figures))
    evidence = heard(figures, limits)
    against = [one.clause for one in evidence if one.says == "against"]
    agreeing = sum(one.says == "for" for one in evidence)
    not_against = [one.clause for one in evidence if one.says != "against"]
    but = [*_own_doubts(figures, limits, moves=moves), *_but(against, moves=moves, in_part=bool(not_against))]
    state: State = "warn" if but else "pass" if agreeing else "untested"
    return KernelHeadline(
        state,
        claim,
        _support(not_against, figures, limits, in_part=not agreeing or bool(against)),
        " ".join(f"{'And' if place else 'But'} {one}." for place, one in enumerate(but)),
        len(evidence),
        agreeing,
        sum(one.says == "in part" for one in evidence),
    )


def synthetic_claim(figures: KernelFigures, limits: Limits) -> str:
    """Return one sentence about what the synthetic clip shows, or why nothing can be said."""
    if shows_one_colour(figures, limits):
        return (
            "A plain clip: of all that the search met, even brightness or colour drives this kernel most, "
            "and no pattern or motion."
        )
    if shows_no_pattern(figures, limits):
        return (
            "Responds most to even brightness or colour: without its pattern this clip keeps "
            f"{percent(figures.even_kept)} of its activation, so no pattern or motion is named."
        )
    subject = subject_words(figures, limits)
    course = turning(figures, limits)
    if course == "flicker":
        explained = flicker_explained(figures)
        alone = explained is not None and explained >= limits.flicker_alone
        still = ", and nothing moves" if alone else ""
        return f"Responds most to {subject} flickering: its brightness or contrast rises and falls{still}."
    if course is not None:
        return f"Responds most to {subject} going back and forth, by {number(figures.step, 2)} px from frame to frame."
    found = moving_texture(figures, limits)
    if found and figures.mean_speed is not None:
        return f"Responds most to {subject} {_motion(figures, figures.mean_speed, limits)}."
    start = "" if subject == "a texture" else f"Responds most to {subject}. "
    return start + _refusal(figures, limits)


def subject_words(figures: KernelFigures, limits: Limits) -> str:
    """Return what the clip looks like; of stripes that are said to move along themselves, no more than that word."""
    return "stripes" if moves_along_stripes(figures, limits) else pattern_words(figures.pattern, limits)


def _motion(figures: KernelFigures, mean_speed: float, limits: Limits) -> str:
    speed = with_margin(mean_speed, figures.speed_margin)
    if not claims_change(figures, limits):
        return f"standing still ({speed} px/frame)"
    direction, in_part = named_direction(figures, limits), ""
    if figures.moving_share is not None:
        in_part = f" in {percent(figures.moving_share)} of the frame, while the rest hardly moves"
    if direction is not None:
        return f"moving {direction} at {speed} px/frame{in_part}{_looks_like(figures, mean_speed, limits)}"
    if not either_way(figures, limits):
        agreed = "" if figures.coherence is None else f" (coherence {number(figures.coherence, 2)})"
        return f"moving at {speed} px/frame in no single direction{agreed}"
    return (
        f"moving at {speed} px/frame{in_part}, forwards or backwards: played backwards, this clip keeps "
        f"{percent(figures.reversed_kept)} of the activation, so no direction is named"
    )


def _looks_like(figures: KernelFigures, speed: float, limits: Limits) -> str:
    """Say which slower motion stripes show that move on by more than half their period from frame to frame.

    They look the same a period on, so that the eye, and any network, sees the shortest way across them.
    """
    pattern = figures.pattern
    if moves_along_stripes(figures, limits):
        return ""
    if pattern is None or pattern.kind != "stripes" or None in (pattern.size, pattern.orientation, figures.direction):
        return ""
    assert pattern.size is not None
    assert pattern.orientation is not None
    assert figures.direction is not None
    across = speed * abs(math.sin(math.radians(figures.direction - pattern.orientation)))
    seen = math.remainder(across, pattern.size)
    if across - abs(seen) < SAME_WAY * pattern.size:
        return ""
    if abs(seen) < limits.stands_still:
        return ", which on such stripes looks like standing still"
    way = " the other way" if seen < 0 else ""
    return f", which on such stripes looks like {number(abs(seen), 2)} px/frame{way}"


def _refusal(figures: KernelFigures, limits: Limits) -> str:
    if figures.evidence_share is not None and figures.evidence_share < limits.motion_evidence:
        return "Nothing can be said about motion: the texture is too even to show any."
    if figures.explained_variance is None or moving_texture(figures, limits) is None or figures.mean_speed is None:
        return "Nothing can be said about motion: this kernel's clip was not decomposed into texture and motion."
    explained = max(figures.explained_variance, 0.0)
    if explained >= limits.explained_variance:
        if moves_beyond_still(figures, limits) and jumps(figures, limits) is not None:
            return _unsteady(figures, limits)
        return (
            "Not texture plus motion: of what a still picture leaves of this clip motion explains only "
            f"{percent(max(figures.motion_explains or 0.0, 0.0))}, so no direction is named."
        )
    return (
        f"Not texture plus motion: one moving picture explains only {percent(explained)} of this clip, so no direction "
        "is named."
    )


def _unsteady(figures: KernelFigures, limits: Limits) -> str:
    """Return why the motion of a clip has no speed and no direction."""
    why, share = jumps(figures, limits), percent(max(figures.steady_explained or 0.0, 0.0))
    if why == "pattern":
        return (
            "One pattern that comes and goes explains this clip as well as motion does, so no speed or direction is "
            "named."
        )
    if why == "chance":
        return (
            "The motion may be chance: frames that jump at random would be explained as well with a probability of "
            f"{number(figures.steady_chance, 1)}, so no speed or direction is named."
        )
    return (
        f"This clip has no steady motion: one steady motion explains only {share} of what changes in it, so no speed "
        "or direction is named."
    )


def _own_doubts(figures: KernelFigures, limits: Limits, *, moves: bool) -> list[str]:
    """Return what the synthetic clip itself says against the claim."""
    found = []
    still = figures.texture_kept
    if moves and still is not None and still >= limits.activation_kept[0]:
        what = "motion" if turning(figures, limits) is None else "the change"
        found.append(f"the still texture alone reaches {percent(still)} of the activation: {what} hardly matters")
    return found + ([outdone] if (outdone := _outdone_clause(figures)) else [])


def _outdone_clause(figures: KernelFigures) -> str:
    if figures.activation is None or figures.best_real is None or figures.activation > figures.best_real:
        return ""
    return "a reference clip drives this kernel at least as much: the search has not found its optimum"


def _outdone(figures: KernelFigures) -> str:
    clause = _outdone_clause(figures)
    return f"But {clause}." if clause else ""


def _but(against: list[str], *, moves: bool, in_part: bool) -> list[str]:
    if not against:
        return []
    start = "in part " if in_part else ""
    end = "" if moves else ", so this clip shows a part of what the kernel responds to"
    return [f"{start}the reference clips say otherwise: {'; '.join(against)}{end}"]


def _support(clauses: list[str], figures: KernelFigures, limits: Limits, *, in_part: bool) -> str:
    if clauses:
        return f"The reference clips bear this out{' in part' if in_part else ''}: {'; '.join(clauses)}."
    multiple = figures.response_of_median
    if near_silent(multiple, limits) and multiple is not None:
        return f"The reference clips cannot tell: {silence_in_words(multiple, limits)}."
    return ""


def _without_clip(figures: KernelFigures, limits: Limits) -> str:
    """Return what may be said of a kernel that has no synthetic clip."""
    return _reference_sentence(figures, limits) or (
        "Nothing can be said in words: no synthetic clip was computed, and the reference clips tell nothing."
    )


def _reference_sentence(figures: KernelFigures, limits: Limits) -> str:
    """Return what the reference clips alone say of a kernel; nothing where they tell nothing."""
    clause = frozen_clause(figures, limits)
    word = figures.word.word if figures.word else None
    if word is not None and word_is_said(word, limits):
        said = f"Clips of “{word.text}” drive it most (AUROC {fixed(word.auroc)})"
        return f"{said}; {clause}." if clause else f"{said}."
    return _frozen_sentence(figures, limits)


def _frozen_sentence(figures: KernelFigures, limits: Limits) -> str:
    clause = frozen_clause(figures, limits).removeprefix("frozen, those")
    return f"Frozen, the reference clips{clause}." if clause else ""
