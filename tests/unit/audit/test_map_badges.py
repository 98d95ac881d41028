"""Badges of maps compare figures with thresholds."""

from __future__ import annotations

import pytest

from reportgen.audit.limits import Limits
from reportgen.audit.maps import faithful_state, map_verdicts
from reportgen.records.answers.faithfulness import FaithfulnessAnswer, HidingTest, ShuffledWeights
from reportgen.records.targets import Target
from tests.made import map_checks


@pytest.mark.parametrize(
    ("insertion", "deletion", "control", "state"),
    [
        (0.7, 0.3, 0.0, "pass"),
        (0.7, 0.3, 0.19, "pass"),
        (0.7, 0.3, 0.2, "fail"),
        (0.7, 0.45, 0.0, "warn"),
        (0.55, 0.3, 0.0, "warn"),
        (0.5, 0.5, -0.1, "fail"),
    ],
)
def test_a_map_must_beat_random_maps_twice_and_every_map_without_a_network(
    insertion: float, deletion: float, control: float, state: str
) -> None:
    assert faithful_state(map_checks("a", insertion, deletion, control=control), Limits()) == state


@pytest.mark.parametrize(
    ("other", "state"), [((0.9, 0.1), "pass"), ((0.7, 0.5), "warn"), ((0.5, 0.5), "fail"), (None, "pass")]
)
def test_the_worst_baseline_decides_and_one_that_tells_nothing_does_not_count(
    other: tuple[float, float] | None, state: str
) -> None:
    checks = map_checks("a", 0.9, 0.1)
    second = map_checks("a", *other).tests["blur"] if other else HidingTest(reason="Nothing moves.")
    both = checks.model_copy(update={"tests": {**checks.tests, "mean_frame": second}})
    assert faithful_state(both, Limits()) == state


def test_a_warning_carries_the_failing_figure() -> None:
    many = map_checks("a", 0.5, 0.5).model_copy(
        update={"randomisation": ShuffledWeights(layers=("a", "b", "c"), correlations=(0.5, 0.7, -0.93))}
    )
    found = {verdict.name: verdict for verdict in map_verdicts(0.2, many, Limits())}
    assert found["adds up"].state == "fail"
    assert "20" in found["adds up"].figure
    assert found["faithful"].figure == "blur: gain 0.00 over random maps, centre 0.00, within their band"
    assert (found["reads the weights"].state, found["reads the weights"].figure) == ("fail", "0.93 kept")
    assert "0.50, 0.70" in found["reads the weights"].meaning


@pytest.mark.parametrize(("insertion", "deletion"), [(0.5, 0.5), (0.9, 0.1)])
def test_too_little_effort_neither_passes_nor_fails(insertion: float, deletion: float) -> None:
    """Four random maps at three steps cannot say that a map is no better, nor that it is."""
    few = map_checks("a", insertion, deletion, random_maps=4, steps=3)
    found = {verdict.name: verdict for verdict in map_verdicts(None, few, Limits())}
    assert found["faithful"].state == "warn"
    assert found["faithful"].figure.endswith("too few to say: 4 random maps, 3 steps")
    assert faithful_state(few, Limits(random_maps=4, curve_steps=3)) in {"pass", "fail"}


def test_shuffled_weights_are_judged_where_all_are_shuffled_however_many_depths_there_are() -> None:
    for layers in (1, 3, 12):
        found = ShuffledWeights(layers=("a",) * layers, correlations=(*[0.9] * (layers - 1), 0.1))
        assert found.kept == 0.1


def test_what_was_not_measured_is_not_tested_and_says_why() -> None:
    assert [verdict.state for verdict in map_verdicts(None, None, Limits())] == ["untested"]
    nothing = {"blur": HidingTest(reason="The logit is not larger on the clip.")}
    answer = FaithfulnessAnswer(target=Target.of(0), clip="clip", method="a", tests=nothing)
    found = map_verdicts(None, answer, Limits())
    assert found[0].state == "untested"
    assert "The logit is not larger" in found[0].meaning


@pytest.mark.parametrize(
    ("control", "figure"),
    [
        (0.2004, "blur: gain 0.2000 over random maps, centre 0.2004"),
        (0.204, "blur: gain 0.200 over random maps, centre 0.204"),
        (0.21, "blur: gain 0.20 over random maps, centre 0.21"),
    ],
)
def test_a_map_that_a_control_barely_beats_shows_by_how_much(control: float, figure: str) -> None:
    found = {v.name: v for v in map_verdicts(None, map_checks("a", 0.7, 0.3, control=control), Limits())}
    assert found["faithful"].state == "fail"
    assert found["faithful"].figure == figure


def test_a_figure_beyond_its_limit_never_reads_like_it() -> None:
    """Each figure lies just on the bad side of its limit, so that it would round to it."""
    limits = Limits()
    checks = map_checks("a", 0.7, 0.3).model_copy(
        update={
            "randomisation": ShuffledWeights(layers=("a",), correlations=(limits.map_weights[0] + 1e-4,)),
            "sensitivity": limits.map_noise[0] + 1e-4,
            "stability": limits.map_seeds[0] - 1e-4,
        }
    )
    found = {verdict.name: verdict for verdict in map_verdicts(limits.completeness[0] + 1e-6, checks, limits)}
    assert found["adds up"].figure == "1.0001%"
    assert found["reads the weights"].figure == "0.5001 kept"
    assert found["steady under noise"].figure == "changes by 50.01%"
    assert found["same with other seeds"].figure == "0.7999"
