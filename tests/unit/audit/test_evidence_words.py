"""What is said of the labels that drive a kernel, and of kernels that are dead or repeat others."""

from __future__ import annotations

import pytest

from reportgen.audit.limits import Limits
from reportgen.audit.words_said import label_word
from reportgen.reading.evidence import Evidence, Redundancy
from reportgen.records.answers.evidence import LabelWord


@pytest.mark.parametrize(
    ("word", "sentence"),
    [
        (
            LabelWord(text="moving right", auroc=0.97, others=("dots", "rings"), other=0.6),
            "Responds to “moving right” (AUROC 0.97), whichever of dots, rings it comes with.",
        ),
        (
            LabelWord(text="moving right", auroc=0.97, others=("dots", "rings"), other=0.8),
            "Responds to “moving right” (AUROC 0.97), more with some of dots, rings than with others.",
        ),
        (
            LabelWord(text="juggling", auroc=0.93, others=(), other=None),
            "Responds to clips of “juggling” (AUROC 0.93).",
        ),
        (
            LabelWord(text="juggling", auroc=0.7, others=(), other=None),
            "No label of the reference clips drives it clearly (best: “juggling”, AUROC 0.70).",
        ),
    ],
)
def test_words_say_what_the_figures_allow(word: LabelWord, sentence: str) -> None:
    assert label_word(word, Limits()) == sentence


def test_each_of_a_pair_names_the_other_and_one_of_them_is_counted() -> None:
    found = Redundancy(10, dead=(2,), duplicates=((1, 4, 0.995), (1, 5, 0.99)))
    assert found.share == pytest.approx(0.3)
    assert found.twins(4) == [(1, 0.995)]
    evidence = Evidence(2, redundancy={"conv": found})
    assert "alike to all 2" in evidence.doubts("conv", 2)[0]
    assert "#4" in evidence.doubts("conv", 1)[0]
    assert "#5" in evidence.doubts("conv", 1)[0]
    assert evidence.doubts("conv", 3) == []
    assert evidence.doubts("other", 2) == []


def test_runs_without_these_figures_say_nothing() -> None:
    assert Evidence().word("conv", 0) is None
    assert Evidence().doubts("conv", 0) == []
