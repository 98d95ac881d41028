"""A verdict is a comparison with its threshold; what was not measured is not tested."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reportgen.audit.checks import weights_check
from reportgen.audit.kernel_badges import kernel_verdicts
from reportgen.audit.limits import Limits
from reportgen.audit.verdicts import Verdict, at_least, graded
from reportgen.reading.figures import KernelFigures
from reportgen.reading.format import fixed, number, percent
from reportgen.records.manifest import WeightsFacts


@pytest.mark.parametrize(
    ("value", "good", "fair", "state"),
    [
        (0.9, 0.9, 0.5, "pass"), (0.89, 0.9, 0.5, "warn"), (0.5, 0.9, 0.5, "warn"), (0.49, 0.9, 0.5, "fail"),
        (1e-6, 1e-5, 1e-3, "pass"), (1e-4, 1e-5, 1e-3, "warn"), (0.1, 1e-5, 1e-3, "fail"), (None, 0.9, 0.5, "untested"),
    ],
)  # fmt: skip
def test_scales_rise_or_fall(value: float | None, good: float, fair: float, state: str) -> None:
    assert graded(value, good, fair) == state


def test_nothing_measured_is_nothing_tested() -> None:
    assert {verdict.state for verdict in kernel_verdicts(KernelFigures(), Limits())} == {"untested"}
    assert kernel_verdicts(KernelFigures(), Limits())[0].word == "not tested"


@pytest.mark.parametrize(
    ("best", "clips", "state"), [(1.0, 10, "pass"), (1.0, 9, "warn"), (3.0, 10, "warn"), (2.0, 10, "warn")]
)
def test_a_clip_that_a_real_one_outdoes_is_no_optimum(best: float, clips: int, state: str) -> None:
    figures = KernelFigures(activation=2.0, best_real=best, reference_clips=clips)
    assert kernel_verdicts(figures, Limits())[0].state == state


def badges(**figures: float | bool | int | None) -> dict[str, Verdict]:
    measured = KernelFigures(**{"evidence_share": 0.6, **figures})  # type: ignore[arg-type]
    return {verdict.name: verdict for verdict in kernel_verdicts(measured, Limits())}


@pytest.mark.parametrize(
    ("explained", "kept", "states"),
    [
        (0.9, 0.9, ("pass", "pass")),
        (0.9, 0.6, ("pass", "warn")),
        (0.9, 0.2, ("pass", "fail")),
        (0.3, 0.9, ("fail", "pass")),
        (0.3, 0.24, ("fail", "fail")),
        (0.9, None, ("pass", "untested")),
    ],
)
def test_texture_plus_motion_must_explain_and_drive(
    explained: float, kept: float | None, states: tuple[str, str]
) -> None:
    found = badges(explained_variance=explained, activation_kept=kept)
    assert (found["texture plus motion"].state, found["driven by the moved texture"].state) == states


@pytest.mark.parametrize("explained", [0.3, 0.9, None])
@pytest.mark.parametrize("evidence", [0.0, 0.6])
def test_the_share_that_a_caption_prints_is_judged_whatever_the_clip_is(
    explained: float | None, evidence: float
) -> None:
    found = badges(explained_variance=explained, evidence_share=evidence, activation_kept=0.24)
    kept = found["driven by the moved texture"]
    assert (kept.state, kept.value, kept.figure) == ("fail", 0.24, "24%")
    assert ("itself is no moving texture" in kept.meaning) == (found["texture plus motion"].state == "fail")


@pytest.mark.parametrize(
    ("explained", "speed", "state"), [(0.9, 1.0, "pass"), (0.9, 0.0, "warn"), (0.3, 1.0, "untested")]
)
def test_a_clip_that_is_no_moving_texture_has_no_motion_to_compare(explained: float, speed: float, state: str) -> None:
    found = badges(explained_variance=explained, mean_speed=speed, real_kept_frozen=0.1)
    assert found["motion as in reference clips"].state == state


def test_a_failing_badge_prints_the_number_that_failed() -> None:
    """A clip explained by 31% that keeps all of its activation fails at 31%, and not at 100%."""
    failed = badges(explained_variance=0.31, activation_kept=1.0)["texture plus motion"]
    assert (failed.state, failed.value, failed.figure) == ("fail", 0.31, "31% explained")


DIGITS = range(9)
SHOWN = (percent, fixed, lambda value, digits: f"{number(value, 2 + digits)}×")
SHARES = st.floats(0, 1)


@given(
    explained_variance=SHARES, activation_kept=SHARES, mean_speed=SHARES, real_kept_frozen=SHARES,
    activation=SHARES, best_real=SHARES,
)  # fmt: skip
def test_every_badge_prints_the_number_that_it_judged(**figures: float) -> None:
    for verdict in badges(reference_clips=20, **figures).values():
        if verdict.value is not None:
            assert any(show(verdict.value, more) in verdict.figure for show in SHOWN for more in DIGITS), verdict
        elif verdict.name != "above reference clips":
            assert (verdict.state, verdict.figure) == ("untested", "–")


@pytest.mark.parametrize(
    ("facts", "state", "figure"),
    [
        ({}, "pass", "loaded"),
        ({"untrained": True}, "fail", "untrained"),
        ({"of_unknown_origin": True, "source": "returned by make"}, "untested", "of unknown origin"),
    ],
)
def test_weights_of_unknown_origin_are_not_called_trained(facts: dict[str, object], state: str, figure: str) -> None:
    verdict = weights_check(WeightsFacts.model_validate({"sha256": "abc", **facts}), "provenance.html")
    assert (verdict.state, verdict.figure) == (state, figure)


def test_a_clip_that_flickers_is_no_failed_explanation() -> None:
    flickers = {"explained_variance": 0.76, "motion_explains": 0.2, "still_variance": 0.2, "activation_kept": 1.0}
    found = badges(**flickers, flicker_explained=0.99, flicker_reversals=6.0)["texture plus motion"]
    assert (found.state, found.figure) == ("warn", "76% explained")
    assert "flickers" in found.meaning
    assert badges(**flickers)["texture plus motion"].state == "fail"


def test_a_badge_that_fails_by_a_hair_prints_the_hair() -> None:
    limits = Limits()
    found = badges(
        explained_variance=0.9,
        motion_explains=0.9,
        activation_kept=limits.activation_kept[0] - 1e-4,
        activation=1.001,
        best_real=1.0,
        reference_clips=10,
    )
    assert found["driven by the moved texture"].figure == "79.99%"
    assert found["above reference clips"].figure == "1.001×"


def test_limits_are_told_without_what_nothing_can_reach() -> None:
    assert at_least((0.9, 0.5)) == "at least 90% (warn from 50%)"
    assert at_least((1.0, 0.5)) == "100% (warn from 50%)"
    assert at_least((0.5, 0.0)) == "at least 50% (warn below that)"
