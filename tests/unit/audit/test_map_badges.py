"""Badges of maps compare figures with thresholds."""

from __future__ import annotations

import pytest

from reportgen.audit.limits import Limits
from reportgen.audit.maps import faithful_state, map_verdicts
from reportgen.records.answers.faithfulness import FaithfulnessAnswer, ShuffledWeights
from reportgen.records.targets import Target
from tests.made import map_checks


@pytest.mark.parametrize(
    ("insertion", "deletion", "state"),
    [(0.7, 0.3, "pass"), (0.7, 0.45, "warn"), (0.55, 0.3, "warn"), (0.5, 0.5, "fail")],
)
def test_a_map_must_leave_the_band_of_random_maps_twice(insertion: float, deletion: float, state: str) -> None:
    assert faithful_state(map_checks("a", insertion, deletion)) == state


def test_a_warning_carries_the_failing_figure() -> None:
    many = map_checks("a", 0.5, 0.5, kept=0.93).model_copy(
        update={
            "random_maps": 10,
            "shares": tuple(place / 6 for place in range(7)),
            "randomisation": ShuffledWeights(layers=("a", "b", "c"), correlations=(0.93,) * 3, kept=0.93),
        }
    )
    found = {verdict.name: verdict for verdict in map_verdicts(0.2, many, Limits())}
    assert found["adds up"].state == "fail"
    assert "20" in found["adds up"].figure
    assert found["faithful"].figure == "insertion 0.50 (random 0.50), deletion 0.50 (random 0.50)"
    assert (found["reads the weights"].state, found["reads the weights"].figure) == ("fail", "0.93 kept")


def test_too_little_effort_warns_and_does_not_fail() -> None:
    """Four random maps at three steps cannot say that a map is no better, nor two depths that it is blind."""
    few = map_checks("a", 0.5, 0.5, kept=0.93).model_copy(update={"random_maps": 4, "shares": (0.0, 0.3, 0.7, 1.0)})
    found = {verdict.name: verdict for verdict in map_verdicts(None, few, Limits())}
    assert found["faithful"].state == "warn"
    assert "4 random maps at 3 steps" in found["faithful"].meaning
    assert found["reads the weights"].state == "warn"
    enough = Limits(random_maps=4, curve_steps=3, shuffled_depths=1)
    assert {v.state for v in map_verdicts(None, few, enough)} == {"fail"}


def test_what_was_not_measured_is_not_tested_and_says_why() -> None:
    assert [verdict.state for verdict in map_verdicts(None, None, Limits())] == ["untested"]
    found = map_verdicts(
        None,
        FaithfulnessAnswer(target=Target.of(0), clip="clip", method="a", reason="The logit is not larger on the clip."),
        Limits(),
    )
    assert found[0].state == "untested"
    assert "The logit is not larger" in found[0].meaning
