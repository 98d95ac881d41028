"""The best of many label words: said where it is one, seldom where labels are chance."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from scipy.stats import false_discovery_control

from reportgen.analyses.evidence.label_words import driving_words, label_words
from reportgen.audit.limits import Limits
from reportgen.audit.sentences import label_word
from reportgen.records.answers.evidence import LabelWord
from reportgen.records.discovery import false_discovery


def sentences(responses: torch.Tensor, labels: list[str]) -> list[str]:
    driven = driving_words(responses, labels, label_words(labels))
    q = false_discovery([word.p for word in driven])
    return [
        label_word(LabelWord(text=w.text, auroc=w.auroc, others=w.others, other=w.other, q=one), Limits())
        for w, one in zip(driven, q, strict=True)
    ]


def test_labels_by_chance_get_no_sentence() -> None:
    labels = [f"label{number // 5}" for number in range(200)]
    said = 0
    for seed in range(5):
        noise = torch.rand((200, 64), generator=torch.Generator().manual_seed(seed))
        said += sum(text.startswith("Responds") for text in sentences(noise, labels))
    assert said <= 0.05 * 5 * 64


def test_sparse_kernels_and_labels_by_chance_get_no_sentence() -> None:
    labels = [f"label{number // 5}" for number in range(100)]
    noise = torch.rand((100, 64), generator=torch.Generator().manual_seed(0))
    noise[noise < 0.9] = 0.0
    assert sum(text.startswith("Responds") for text in sentences(noise, labels)) <= 0.05 * 64


def test_a_kernel_that_answers_to_its_label_is_said_to() -> None:
    labels = [f"label{number // 6}" for number in range(60)]
    responses = torch.rand((60, 32), generator=torch.Generator().manual_seed(0))
    responses[12:18, :8] += 1.0
    found = sentences(responses, labels)
    assert all(text.startswith("Responds to clips of “label2”") for text in found[:8])


def test_words_of_fewer_than_five_clips_are_not_asked_about() -> None:
    labels = ["a"] * 5 + ["b"] * 4 + ["c"] * 9
    assert [word.text for word in label_words(labels)] == ["a", "c"]


def test_q_is_that_of_benjamini_and_hochberg() -> None:
    p = np.random.default_rng(0).random(50) ** 2
    assert false_discovery(p.tolist()) == pytest.approx(false_discovery_control(p).tolist())
    assert false_discovery([]) == []
