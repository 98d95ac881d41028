"""What a kernel's page says of its response."""

from __future__ import annotations

import pytest

from reportgen.pages.kernel import LOGIT, PASSED_ON, RESPONSES, response_words
from reportgen.records.answers.kernels import KernelAnswer
from reportgen.records.card import ClipSpec, ModelCard

CARD = ModelCard.model_validate(
    {
        "name": "small",
        "title": "Small",
        "summary": "A test.",
        "architecture": {},
        "clip": ClipSpec(frames=4, height=8, width=8, mean=(0.5,) * 3, std=(0.25,) * 3).model_dump(),
        "classes": 3,
        "classifier": "head",
    }
)


@pytest.mark.parametrize("objective", ["firing", "channel", "neuron"])
@pytest.mark.parametrize("passed_on", [True, False])
def test_the_next_layer_is_named_only_where_it_is_given_the_rectified_map(objective: str, passed_on: bool) -> None:
    answer = KernelAnswer(layer="conv", index=0, activation=1.0, objective=objective, steps=8, passed_on=passed_on)
    said = response_words(CARD, "conv", answer)
    assert said.startswith(RESPONSES[objective])
    assert (PASSED_ON in said) == (passed_on and objective == "firing")


@pytest.mark.parametrize("objective", ["firing", "channel", "neuron"])
def test_the_classifier_s_kernels_answer_by_their_logit(objective: str) -> None:
    answer = KernelAnswer(layer="head", index=0, activation=1.0, objective=objective, steps=8)
    assert response_words(CARD, "head", answer).startswith(LOGIT)
    assert ("where it is below" in response_words(CARD, "head", answer)) == (objective == "firing")
