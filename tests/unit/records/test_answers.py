"""Every analysis has one model of its answer, and what is kept reads back through it."""

from __future__ import annotations

import math

import pytest

from reportgen.analyses.registry import methods
from reportgen.errors import StoreError
from reportgen.records.answers.kernels import KernelAnswer
from reportgen.records.answers.registry import answer_models
from reportgen.records.jobs import Done

ANSWER = KernelAnswer(layer="conv", index=3, activation=1.5, objective="firing", steps=8, curve=(0.5, 1.5))


def test_every_method_has_a_model() -> None:
    assert set(methods()) == set(answer_models())


def test_an_answer_reads_back_as_it_was() -> None:
    done = Done(answer=ANSWER.model_dump(mode="json"))
    assert Done.model_validate_json(done.model_dump_json()).read(KernelAnswer) == ANSWER


def test_what_is_not_finite_is_not_known() -> None:
    assert KernelAnswer(**{**ANSWER.model_dump(), "activation": math.nan}).activation is None


@pytest.mark.parametrize("damage", [{"index": -1}, {"steps": "many"}, {"speed": 1.0}])
def test_a_damaged_answer_is_one_clear_sentence(damage: dict[str, object]) -> None:
    with pytest.raises(StoreError, match=r"answer of kernels is damaged .* compute the run again"):
        Done(answer={**ANSWER.model_dump(mode="json"), **damage}).read(KernelAnswer)
