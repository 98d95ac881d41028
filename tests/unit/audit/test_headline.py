"""A kernel's headline is argued from all that was measured of it, and says nothing that a figure contradicts."""

from __future__ import annotations

import itertools
import re
from dataclasses import replace
from typing import Any

import pytest

from reportgen.audit.headline import UNFIRED, KernelHeadline, headline, synthetic_claim
from reportgen.audit.heard import direction_word
from reportgen.audit.kernel_badges import kernel_verdicts
from reportgen.audit.limits import Limits
from reportgen.reading.figures import KernelFigures
from reportgen.reading.shown_words import ShownWord
from reportgen.records.answers.evidence import LabelWord
from reportgen.records.answers.pattern import PatternAnswer

LIMITS = Limits()
MOVING = KernelFigures(
    activation=12.3,
    best_real=5.0,
    reference_clips=56,
    explained_variance=0.93,
    evidence_share=0.6,
    mean_speed=1.4,
    direction=3.0,
    coherence=0.9,
    activation_kept=0.95,
    texture_activation=3.0,
    reversed_activation=1.0,
)
GREY = ((0.0, 0.0, 0.0), (1.0, 1.0, 1.0))
STRIPES = PatternAnswer(kind="stripes", orientation=92.0, size=6.13, ends=GREY)


def stripes_at(orientation: float) -> PatternAnswer:
    """Return the stripes, of another orientation."""
    return STRIPES.model_copy(update={"orientation": orientation})


def word(text: str, auroc: float = 0.97) -> ShownWord:
    """Return a label word that drives a kernel."""
    return ShownWord(LabelWord(text=text, auroc=auroc, q=0.001), held_out=True)


@pytest.mark.parametrize(
    ("degrees", "expected"),
    [
        (0, "right"), (22, "right"), (23, "down and right"), (90, "down"), (135, "down and left"), (180, "left"),
        (225, "up and left"), (270, "up"), (315, "up and right"), (359, "right"), (-90, "up"), (450, "down"),
    ],
)  # fmt: skip
def test_directions_have_eight_words_and_y_points_down(degrees: float, expected: str) -> None:
    assert direction_word(degrees) == expected


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({}, "Responds most to a texture moving right at 1.4 px/frame."),
        ({"pattern": STRIPES}, "Responds most to vertical stripes 6.1 px apart moving right at 1.4 px/frame."),
        ({"mean_speed": 0.04}, "Responds most to a texture standing still (0.040 px/frame)."),
        (
            {"coherence": 0.31},
            "Responds most to a texture moving at 1.4 px/frame in no single direction (coherence 0.31).",
        ),
        (
            {"evidence_share": 0.0, "mean_speed": 0.0},
            "Nothing can be said about motion: the texture is too even to show any.",
        ),
        (
            {"evidence_share": None},
            "Nothing can be said about motion: this kernel's clip was not decomposed into texture and motion.",
        ),
        (
            {"explained_variance": 0.31, "pattern": STRIPES},
            "Responds most to vertical stripes 6.1 px apart. Not texture plus motion: one moving picture explains only "
            "31% of this clip, so no direction is named.",
        ),
        (
            {"explained_variance": -0.2},
            "Not texture plus motion: one moving picture explains only 0% of this clip, so no direction is named.",
        ),
        (
            {"steady_explained": 0.21, "pattern": STRIPES},
            "Responds most to vertical stripes 6.1 px apart. This clip has no steady motion: one steady motion "
            "explains only 21% of what changes in it, so no speed or direction is named.",
        ),
        (
            {"steady_explained": 0.6, "steady_chance": 0.034},
            "The motion may be chance: frames that jump at random would be explained as well with a probability of "
            "0.03, so no speed or direction is named.",
        ),
        (
            {"flicker_explained": 0.99, "flicker_reversals": 3.0, "brightness_explained": 0.5},
            "One pattern that comes and goes explains this clip as well as motion does, so no speed or direction is "
            "named.",
        ),
        (
            {"contrast": 0.001},
            "A plain clip: of all that the search met, even brightness or colour drives this kernel most, and no "
            "pattern or motion.",
        ),
        (
            {"even_kept": 0.982, "pattern": STRIPES},
            "Responds most to even brightness or colour: without its pattern this clip keeps 98% of its activation, so "
            "no pattern or motion is named.",
        ),
        (
            {"reversed_activation": 12.0},
            "Responds most to a texture moving at 1.4 px/frame, forwards or backwards: played backwards, this clip "
            "keeps 98% of the activation, so no direction is named.",
        ),
        (
            {"flicker_explained": 0.95, "flicker_reversals": 6.0, "still_variance": 0.2, "motion_explains": 0.2},
            "Responds most to a texture flickering: its brightness or contrast rises and falls.",
        ),
        (
            {"flicker_explained": 0.99, "flicker_reversals": 6.0, "still_variance": 0.2, "motion_explains": 0.2},
            "Responds most to a texture flickering: its brightness or contrast rises and falls, and nothing moves.",
        ),
        (
            {"flicker_explained": 0.99, "flicker_reversals": 6.0, "still_variance": 0.6, "brightness_explained": 0.7}
            | {"motion_explains": 0.2, "explained_variance": 0.6},
            "Not texture plus motion: one moving picture explains only 60% of this clip, so no direction is named.",
        ),
        (
            {"step_explained": 0.95, "step_coherence": 0.99, "reversals": 6.0, "step": 2.0, "drift": 0.0}
            | {"swing_explained": 0.5},
            "Responds most to a texture moving right at 1.4 px/frame.",
        ),
        (
            {"step_explained": 0.95, "step_coherence": 0.99, "reversals": 6.0, "step": 2.0, "drift": 0.0},
            "Responds most to a texture going back and forth, by 2.0 px from frame to frame.",
        ),
    ],
)
def test_what_the_synthetic_clip_shows_is_said_in_one_sentence(changed: dict[str, Any], said: str) -> None:
    assert synthetic_claim(replace(MOVING, **changed), LIMITS) == said


def test_stripes_that_are_said_to_move_along_themselves_have_no_orientation() -> None:
    """Nor do they look slower, however fast: not they show that motion, but what differs from them."""
    along = replace(MOVING, pattern=STRIPES, direction=90.0)
    assert synthetic_claim(along, LIMITS) == "Responds most to stripes moving down at 1.4 px/frame."
    fine = PatternAnswer(kind="stripes", orientation=136.0, size=1.7, ends=GREY)
    said = synthetic_claim(replace(MOVING, pattern=fine, direction=108.0, mean_speed=3.22), LIMITS)
    assert said == "Responds most to stripes moving down at 3.2 px/frame."


@pytest.mark.parametrize(
    ("speed", "direction", "more"),
    [
        (2.83, 135.0, ", which on such stripes looks like 0.53 px/frame"),
        (2.83, 315.0, ", which on such stripes looks like 0.53 px/frame"),
        (1.80, 135.0, ", which on such stripes looks like 0.50 px/frame the other way"),
        (2.30, 135.0, ", which on such stripes looks like standing still"),
        (1.10, 135.0, ""),
        (1.20, 135.0, ""),
        (1.10, 180.0, ""),
    ],
)
def test_stripes_that_move_on_by_more_than_half_their_period_look_slower(
    speed: float, direction: float, more: str
) -> None:
    falling = PatternAnswer(kind="stripes", orientation=45.0, size=2.3, ends=GREY)
    said = synthetic_claim(replace(MOVING, pattern=falling, direction=direction, mean_speed=speed), LIMITS)
    assert said.endswith(f"px/frame{more}.")
    assert said.count("px/frame") == 1 + more.count("px/frame")


@pytest.mark.parametrize(
    ("changed", "state", "second"),
    [
        ({}, "untested", ""),
        (
            {"real_kept_frozen": 0.04, "dissolved_loss": 0.9},
            "pass",
            "The reference clips bear this out: frozen, those that drive it most keep 4% of their response.",
        ),
        (
            {"real_kept_frozen": 1.03},
            "warn",
            "But the reference clips say otherwise: frozen, those that drive it most keep all (103%) of their "
            "response.",
        ),
        (
            {"real_kept_frozen": 0.7},
            "untested",
            "The reference clips bear this out in part: frozen, those that drive it most keep 70% of their response.",
        ),
        (
            {"real_kept_frozen": 0.2, "dissolved_loss": 0.1},
            "untested",
            "The reference clips bear this out in part: frozen, those that drive it most keep 20% of their response, "
            "but 90% where the first frame dissolves into the last.",
        ),
        (
            {"real_kept_frozen": 0.04, "real_kept_reversed": 0.97},
            "warn",
            "The reference clips bear this out in part: frozen, those that drive it most keep 4% of their response. "
            "But in part the reference clips say otherwise: played backwards, they keep 97%.",
        ),
        (
            {"reversed_activation": 12.0, "real_kept_frozen": 0.04, "real_kept_reversed": 0.97},
            "pass",
            "The reference clips bear this out: frozen, those that drive it most keep 4% of their response; played "
            "backwards, they keep 97%.",
        ),
        (
            {"reversed_activation": 12.0, "real_kept_frozen": 0.68, "real_kept_reversed": 0.1},
            "warn",
            "The reference clips bear this out in part: frozen, those that drive it most keep 68% of their response. "
            "But in part the reference clips say otherwise: played backwards, they keep 10%.",
        ),
        (
            {"best_change": (0.0, 0.01, 0.0)},
            "warn",
            "But the reference clips say otherwise: the 3 that drive it most stand still.",
        ),
        ({"best_change": (0.0, 0.3, 0.0)}, "untested", ""),
        (
            {"word": word("moving right")},
            "pass",
            "The reference clips bear this out: clips of “moving right” drive it most (AUROC 0.97).",
        ),
        (
            {"word": word("moving left")},
            "warn",
            "But the reference clips say otherwise: clips of “moving left” drive it most (AUROC 0.97).",
        ),
        # Stripes that fall to the right a little, and move up: to the right along the ground they look the same.
        (
            {"word": word("moving right"), "pattern": stripes_at(14.0), "direction": 284.0},
            "pass",
            "The reference clips bear this out: clips of “moving right” drive it most (AUROC 0.97).",
        ),
        (
            {"word": word("moving left"), "pattern": stripes_at(14.0), "direction": 284.0},
            "warn",
            "But the reference clips say otherwise: clips of “moving left” drive it most (AUROC 0.97).",
        ),
        ({"word": word("moving right"), "pattern": stripes_at(5.0), "direction": 275.0}, "untested", ""),
        (
            {"word": word("moving right"), "direction": 284.0},  # of a texture the direction is sure
            "warn",
            "But the reference clips say otherwise: clips of “moving right” drive it most (AUROC 0.97).",
        ),
        ({"word": word("moving left", 0.8)}, "untested", ""),
        ({"word": word("dots")}, "untested", ""),
        (
            {"word": word("static"), "mean_speed": 0.0, "real_kept_frozen": 0.3},
            "warn",
            "The reference clips bear this out in part: clips of “static” drive it most (AUROC 0.97). But in part the "
            "reference clips say otherwise: frozen, those that drive it most keep 30% of their response, so this clip "
            "shows a part of what the kernel responds to.",
        ),
        (
            {"texture_activation": 11.0},
            "warn",
            "But the still texture alone reaches 89% of the activation: motion hardly matters.",
        ),
        (
            {"best_real": 20.0},
            "warn",
            "But a reference clip drives this kernel at least as much: the search has not found its optimum.",
        ),
        (
            {"real_kept_frozen": 0.0, "response_of_median": 0.02},
            "untested",
            "The reference clips cannot tell: its largest response to reference clips is 2.0% of its layer's median, "
            "under the 10% from which ratios are told.",
        ),
    ],
)
def test_the_reference_clips_bear_the_claim_out_or_say_otherwise(
    changed: dict[str, Any], state: str, second: str
) -> None:
    found = headline(replace(MOVING, **changed), LIMITS)
    assert found.sentence == " ".join([found.claim, second] if second else [found.claim])
    assert found.state == state


def test_a_kernel_without_a_synthetic_clip_is_told_by_the_reference_clips_alone() -> None:
    bare = KernelFigures(real_kept_frozen=0.05, word=word("left"))
    assert headline(bare, LIMITS).sentence == (
        "Clips of “left” drive it most (AUROC 0.97); frozen, those that drive it most keep 5% of their response."
    )
    assert headline(KernelFigures(), LIMITS).sentence.startswith("Nothing can be said in words")


def test_of_a_kernel_that_no_clip_of_the_search_has_fire_nothing_is_said() -> None:
    silent = KernelFigures(activation=0.0, fires=False)
    assert headline(silent, LIMITS).sentence == UNFIRED
    assert headline(silent, LIMITS).state == "untested"
    driven = headline(replace(silent, best_real=0.4, reference_clips=56, word=word("left")), LIMITS)
    assert driven.sentence == (
        f"{UNFIRED} Clips of “left” drive it most (AUROC 0.97). "
        "But a reference clip does: the search has not found its optimum."
    )
    assert driven.state == "warn"


CLAIMS: list[dict[str, Any]] = [
    {},
    {"reversed_activation": 12.0},
    {"coherence": 0.2},
    {"mean_speed": 0.02},
    {"explained_variance": 0.3},
    {"evidence_share": None},
    {"contrast": 0.0},
    {"even_kept": 0.97},
    {"flicker_explained": 0.95, "flicker_reversals": 6.0, "still_variance": 0.2, "motion_explains": 0.2},
    {"texture_activation": 12.0},
    {"activation": None},
]
FROZEN = (None, 1.2, 0.95, 0.7, 0.3)
DISSOLVED = (0.1, 0.9)
BACKWARDS = (None, 0.1, 1.0)
CHANGES: tuple[tuple[float, ...], ...] = ((), (0.0, 0.0), (0.3, 0.0))
WORDS = (None, "static", "moving left", "moving right", "dots")
SILENT = (None, 0.01)


@pytest.mark.slow
def test_no_combination_of_figures_gets_a_sentence_that_one_of_them_contradicts() -> None:
    """Every sentence is read back and held against the figures by rules that are written here a second time."""
    kinds = itertools.product(CLAIMS, FROZEN, DISSOLVED, BACKWARDS, CHANGES, WORDS, SILENT)
    for claim, frozen, dissolved, backwards, changes, text, silent in kinds:
        figures = replace(
            MOVING,
            real_kept_frozen=frozen,
            dissolved_loss=dissolved,
            real_kept_reversed=backwards,
            best_change=changes,
            word=word(text) if text else None,
            response_of_median=silent,
            **claim,
        )
        found = headline(figures, LIMITS)
        said = found.sentence
        assert not contradictions(figures, found.claim, said), said
        assert (found.state == "warn") == ("But " in said)
        assert (found.state == "pass") <= ("bear this out:" in said)
        badge = {one.name: one.state for one in kernel_verdicts(figures, LIMITS)}["motion as in reference clips"]
        if figures.activation is not None:
            assert (badge == "warn") == ("say otherwise" in said), said


def contradictions(figures: KernelFigures, claim: str, said: str) -> list[str]:
    """Return which figures a sentence is against."""
    found = []
    moves = re.search("Responds most to .*(moving|flickering|going back)", claim) is not None
    still = "standing still" in claim
    told = None if (figures.response_of_median or 1.0) < 0.1 else figures.real_kept_frozen
    share = re.search(r"frozen, those that drive it most keep (?:all \()?(\d+)%", said)
    if share and (told is None or abs(int(share[1]) - 100 * max(told, 0.0)) > 0.5):
        found.append("a share frozen that was not measured")
    doubted = "say otherwise" in said
    if moves and told is not None and told > 0.9 and not doubted:
        found.append("moving, though frozen clips keep their response")
    if still and told is not None and told < 0.5 and figures.dissolved_loss != 0.1 and not doubted:
        found.append("still, though frozen clips lose their response")
    if moves and figures.best_change and max(figures.best_change) < 0.02 and not doubted:
        found.append("moving, though the best clips stand still")
    named = re.search(r"moving (right|left|up|down)", claim) if moves else None
    if named and figures.word and "moving" in figures.word.word.text and not doubted:
        found += [] if named[1] in figures.word.word.text else ["a direction that labels contradict"]
    if named and told is not None and (figures.real_kept_reversed or 0.0) > 0.9 and not doubted:
        found.append("a direction that clips played backwards contradict")
    if named and (figures.reversed_activation or 0.0) > 0.5 * (figures.activation or 0.0):
        found.append("a direction that the clip played backwards contradicts")
    backwards_too = "forwards or backwards" in claim
    if backwards_too and told is not None and (figures.real_kept_reversed or 1.0) < 0.5 and not doubted:
        found.append("either way, though clips played backwards lose their response")
    if moves and figures.word and figures.word.word.text == "static" and not doubted:
        found.append("moving, though static clips drive it")
    return found


@pytest.mark.parametrize(
    ("kinds", "agreeing", "in_part", "said"),
    [
        (0, 0, 0, "not tested on reference clips"),
        (1, 1, 0, "the only kind of evidence agrees"),
        (1, 0, 1, "the only kind of evidence agrees in part"),
        (1, 0, 0, "the only kind of evidence does not agree"),
        (3, 2, 0, "2 of 3 kinds of evidence agree"),
        (3, 1, 1, "1 of 3 kinds of evidence agree, 1 in part"),
        (2, 0, 1, "1 of 2 kinds of evidence agree in part"),
        (2, 0, 0, "0 of 2 kinds of evidence agree"),
    ],
)
def test_evidence_that_agrees_in_part_is_counted_as_such(kinds: int, agreeing: int, in_part: int, said: str) -> None:
    found = KernelHeadline("warn", "claim", kinds=kinds, agreeing=agreeing, in_part=in_part)
    assert found.certainty == said
