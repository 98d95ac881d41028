"""A verdict is a comparison with its threshold; what was not measured is not tested."""

from __future__ import annotations

import pytest

from reportgen.audit.checks import weights_check
from reportgen.audit.limits import Limits
from reportgen.audit.verdicts import graded, kernel_verdicts
from reportgen.reading.ablation import Drop
from reportgen.reading.figures import KernelFigures
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


@pytest.mark.parametrize(
    ("explained", "kept", "state"),
    [(True, 0.9, "pass"), (True, 0.6, "warn"), (True, 0.2, "fail"), (False, 0.9, "fail"), (True, None, "untested")],
)
def test_texture_plus_motion_must_explain_and_drive(explained: bool, kept: float | None, state: str) -> None:
    figures = KernelFigures(texture_plus_motion=explained, activation_kept=kept)
    assert kernel_verdicts(figures, Limits())[1].state == state


@pytest.mark.parametrize(
    ("explained", "speed", "state"), [(True, 1.0, "pass"), (True, 0.0, "warn"), (False, 1.0, "untested")]
)
def test_a_clip_that_is_no_moving_texture_has_no_motion_to_compare(explained: bool, speed: float, state: str) -> None:
    figures = KernelFigures(texture_plus_motion=explained, mean_speed=speed, real_kept_frozen=0.1)
    assert kernel_verdicts(figures, Limits())[2].state == state


def test_a_pathway_matters_when_it_beats_the_interval_of_random_ones() -> None:
    assert Drop("together", 2.0, 0.5, 0.1, 1.0).clear
    assert not Drop("together", 0.9, 0.5, 0.1, 1.0).clear


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
