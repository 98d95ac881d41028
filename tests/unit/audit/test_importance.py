"""What is said of scores of importance and of the numeric check, by figures made by hand."""

from __future__ import annotations

import json
from typing import Any

import pytest

from reportgen.audit.importance import check_sentence, check_state, ordering_figures, ordering_sentence, ordering_state
from reportgen.audit.limits import Limits
from reportgen.records.answers.weight_gradients import CheckedGradients, CheckedLayer, ImportanceTest

LIMITS = Limits()


def made(*, clips: int = 20, draws: int = 20, p: float = 0.01, p_least: float = 1 / 21) -> ImportanceTest:
    """Return removals in which the first-order score has the largest area."""
    rows = [("first_order", 0.4), ("norm", 0.2), ("weight_norm", 0.1)]
    facts: dict[str, Any] = {
        "measure": "accuracy",
        "clips": clips,
        "scored": 40,
        "draws": draws,
        "intact": 1.0,
        "filters": 50,
        "shares": (0.5,),
        "removed": (25,),
        "curves": (),
        "scores": [
            {"score": score, "area": area, "low": area - 0.1, "high": area + 0.1, "p_least": p_least, "p_most": 1 / 21}
            for score, area in rows
        ],
        "pairs": [
            {"better": "first_order", "other": "norm", "difference": 0.2, "p": p},
            {"better": "first_order", "other": "weight_norm", "difference": 0.3, "p": 0.001},
            {"better": "norm", "other": "weight_norm", "difference": 0.1, "p": 0.9},
        ],
    }
    return ImportanceTest.model_validate_json(json.dumps(facts))


@pytest.mark.parametrize(
    ("test", "state", "words"),
    [
        (made(), "best", "Of 3 scores, |⟨W, ∂y/∂W⟩| orders the filters best."),
        (made(p=0.2), "alike", "best here, but is not told apart from the norm of the gradient."),
        (made(p_least=0.3), "chance", "No score orders the filters clearly better than chance"),
        (made(clips=7), "untested", "Not tested which score orders the filters best: filters were removed on 7 clips"),
        (made(draws=18), "untested", "against 18 random draws; to tell takes 8 clips and 19 draws."),
    ],
)
def test_a_score_is_said_to_order_best_only_where_it_beats_chance_and_the_others(
    test: ImportanceTest, state: str, words: str
) -> None:
    assert ordering_state(test, LIMITS) == state
    assert words in ordering_sentence(test, LIMITS)
    figures = ordering_figures(test, LIMITS)
    assert (figures == "") == (state == "untested")
    assert "0.20 for the norm of the gradient and 0.10 for the norm of the weights" in figures or state == "untested"


@pytest.mark.parametrize(
    ("error", "state", "words"),
    [
        (1e-9, "pass", "The gradients are right"),
        (1e-5, "warn", "more than rounding explains"),
        (0.5, "fail", "The gradients are not those of central differences"),
        (None, "untested", "Not checked: all gradients are zero."),
    ],
)
def test_gradients_are_right_where_differences_say_so(error: float | None, state: str, words: str) -> None:
    layers = {"conv": CheckedLayer(weights=3, error=error), "later": CheckedLayer(weights=3, direction=error)}
    check = CheckedGradients(clip="clip", target_title="class", layers=layers)
    assert check_state(check, LIMITS) == state
    assert words in check_sentence(check, LIMITS)


def test_a_check_that_was_not_made_says_why() -> None:
    check = CheckedGradients(clip="clip", target_title="class", reason="it does not run in float64")
    assert check_state(check, LIMITS) == "untested"
    assert check_sentence(check, LIMITS) == "Not checked: it does not run in float64."
