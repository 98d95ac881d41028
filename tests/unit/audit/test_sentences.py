"""What is said of a kernel follows from its figures by fixed rules."""

from __future__ import annotations

from dataclasses import replace

import pytest

from reportgen.audit.kernel_badges import kernel_verdicts
from reportgen.audit.limits import Limits
from reportgen.audit.sentences import direction_word, evidence, preference, reservations
from reportgen.reading.figures import KernelFigures

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
)


@pytest.mark.parametrize(
    ("degrees", "word"),
    [
        (0, "right"), (22, "right"), (23, "down and right"), (90, "down"), (135, "down and left"), (180, "left"),
        (225, "up and left"), (270, "up"), (315, "up and right"), (359, "right"), (-90, "up"), (450, "down"),
    ],
)  # fmt: skip
def test_directions_have_eight_words_and_y_points_down(degrees: float, word: str) -> None:
    assert direction_word(degrees) == word


def test_a_coherent_motion_is_named_with_its_speed() -> None:
    assert preference(MOVING, Limits()) == "Responds most to a texture moving right at 1.4 px/frame."


def test_a_slow_texture_stands_still_whatever_its_direction() -> None:
    assert preference(replace(MOVING, mean_speed=0.04), Limits()).startswith(
        "Responds most to a texture that stands still (0.040"
    )


def test_a_still_clip_of_a_kernel_that_needs_motion_says_what_it_hides() -> None:
    said = preference(replace(MOVING, mean_speed=0.04, real_kept_frozen=0.3), Limits())
    assert said.startswith("This clip stands still (0.040 px/frame), but real clips drive the kernel by their motion")
    assert preference(replace(MOVING, mean_speed=0.04, real_kept_frozen=0.9), Limits()).startswith("Responds most")
    assert preference(replace(MOVING, real_kept_frozen=0.3), Limits()) == preference(MOVING, Limits()), (
        "a moving clip hides no motion"
    )


def test_an_even_clip_says_nothing_about_motion() -> None:
    even = replace(MOVING, evidence_share=0.0, mean_speed=0.0)
    assert preference(even, Limits()) == "Nothing can be said about motion: the texture is too even to show any."


def test_motion_without_one_direction_is_not_given_one() -> None:
    said = preference(replace(MOVING, coherence=0.31), Limits())
    assert said == "Responds most to a texture moving at 1.4 px/frame in no single direction (coherence 0.31)."


def test_what_is_not_texture_plus_motion_gets_no_direction() -> None:
    said = preference(replace(MOVING, explained_variance=0.31), Limits())
    assert said.startswith("Not texture plus motion")
    assert "31%" in said
    assert "right" not in said


@pytest.mark.parametrize("missing", [{"explained_variance": None}, {"evidence_share": None}])
def test_without_a_decomposition_nothing_is_said(missing: dict[str, None]) -> None:
    assert preference(replace(MOVING, **missing), Limits()).startswith("Nothing can be said")


def test_a_negative_explained_variance_is_shown_as_none() -> None:
    assert " 0% " in preference(replace(MOVING, explained_variance=-0.2), Limits())


def test_a_sound_kernel_has_no_reservations() -> None:
    assert reservations(MOVING, Limits()) == []


def test_each_doubt_is_said() -> None:
    doubtful = replace(MOVING, activation_kept=0.4, texture_activation=11.0, best_real=20.0)
    said = reservations(doubtful, Limits())
    assert ["keeps only 40%" in said[0], "still texture alone reaches 89%" in said[1], "A real clip" in said[2]] == [
        True
    ] * 3


def test_that_a_still_texture_drives_a_still_kernel_is_no_doubt() -> None:
    assert reservations(replace(MOVING, mean_speed=0.0, texture_activation=12.0), Limits()) == []


def test_the_evidence_is_a_multiple_of_the_best_real_clip() -> None:
    assert evidence(MOVING, Limits()) == "Activation 12.3 is 2.5 times that of the best of 56 reference clips."


@pytest.mark.parametrize("best", [0.0, -1.5])
def test_a_ratio_to_a_clip_that_does_not_drive_the_kernel_is_not_formed(best: float) -> None:
    figures = replace(MOVING, best_real=best)
    assert figures.times_best is None
    assert "none of 56 reference clips drives this kernel above zero" in evidence(figures, Limits())


def test_without_reference_clips_there_is_no_comparison() -> None:
    assert "nothing to compare" in evidence(replace(MOVING, reference_clips=0, best_real=None), Limits())


def test_without_a_synthetic_clip_there_is_no_evidence() -> None:
    assert evidence(KernelFigures(), Limits()) == "No synthetic clip was computed for this kernel."


def test_an_even_picture_shows_no_motion_and_none_is_claimed() -> None:
    even = replace(MOVING, mean_speed=0.0, evidence_share=0.01)
    assert preference(even, Limits()) == "Nothing can be said about motion: the texture is too even to show any."
    assert preference(replace(even, evidence_share=0.5), Limits()).startswith(
        "Responds most to a texture that stands still"
    )


def test_a_plain_clip_is_called_plain_whatever_its_motion_is_said_to_be() -> None:
    plain = KernelFigures(contrast=0.001, evidence_share=0.0, explained_variance=1.0)
    assert preference(plain, Limits()).startswith("A plain clip: of all that the search met,")
    assert preference(replace(plain, contrast=0.2, evidence_share=0.0), Limits()).startswith(
        "Nothing can be said about motion"
    )


def test_a_moving_clip_whose_real_drivers_need_no_motion_says_so() -> None:
    """The headline, the badge and the probes are about one kernel: they cannot contradict each other."""
    moving = replace(MOVING, real_kept_frozen=1.03)
    said = preference(moving, Limits())
    assert said.startswith("Responds most to a texture moving right at 1.4 px/frame")
    assert said.endswith(", but real clips that drive it keep 100% of their response when nothing moves.")
    found = {verdict.name: verdict for verdict in kernel_verdicts(moving, Limits())}
    assert found["motion as in real clips"].state == "warn"
    needed = replace(MOVING, real_kept_frozen=0.4)
    assert ", but" not in preference(needed, Limits())
    assert {v.name: v.state for v in kernel_verdicts(needed, Limits())}["motion as in real clips"] == "pass"


@pytest.mark.parametrize(
    ("course", "turns"),
    [
        ({"flicker_explained": 0.95, "flicker_reversals": 6.0, "still_variance": 0.2}, "flickers"),
        (
            {
                "step_explained": 0.95,
                "step_coherence": 0.99,
                "reversals": 6.0,
                "step": 2.0,
                "drift": 0.0,
            },
            "goes back and forth",
        ),
    ],
)
def test_what_turns_without_need_is_not_what_the_kernel_wants(course: dict[str, float], turns: str) -> None:
    needed = replace(MOVING, motion_explains=0.2, **course)
    assert preference(needed, Limits()).startswith("Responds most to a texture that " + turns)
    idle = replace(needed, texture_activation=12.9)
    assert preference(idle, Limits()) == (
        f"This clip {turns}, which adds nothing: its still texture alone reaches 105% of the activation."
    )
    assert not [said for said in reservations(idle, Limits()) if "still texture alone" in said]
