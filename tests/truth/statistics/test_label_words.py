"""The best of many label words: said where it is one, seldom where labels are chance."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from scipy.stats import false_discovery_control

from reportgen.analyses.evidence.label_words import driving_words, label_words
from reportgen.audit.limits import Limits
from reportgen.audit.words_said import label_word
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


MOTIONS = ("static", "left", "right", "up", "down")
TEXTURES = ("dots", "rings", "checks", "blobs")
PRODUCT = [f"{texture} {motion}" for _ in range(4) for texture in TEXTURES for motion in MOTIONS]


def answered(kernel: dict[str, float], seed: int) -> torch.Tensor:
    """Return responses `80` of a kernel that answers to these words, in noise."""
    noise = 0.2 * torch.rand(len(PRODUCT), generator=torch.Generator().manual_seed(seed))
    return noise + torch.tensor([sum(kernel.get(part, 0.0) for part in label.split()) for label in PRODUCT])


@pytest.mark.parametrize(
    ("kernel", "text"),
    [
        ({"left": 1.0, "down": 0.9}, "left or down"),
        ({"left": 1.0}, "left"),
        ({"left": 1.0, "down": 0.05}, "left"),
        ({"dots": 1.0, "blobs": 1.0}, "dots or blobs"),
    ],
)
def test_a_pair_of_words_is_said_of_what_answers_to_both_and_of_nothing_else(
    kernel: dict[str, float], text: str
) -> None:
    for seed in range(5):
        (word,) = driving_words(answered(kernel, seed)[:, None], PRODUCT, label_words(PRODUCT))
        assert word.text == text
        assert word.auroc > 0.97


def test_a_kernel_minds_no_other_word_only_if_its_strongest_clips_are_mixed() -> None:
    """Ten clips of one texture on top are no "whichever", however little the other textures matter on the whole."""
    mixed = answered({"left": 1.0, "down": 1.0}, 0)
    one_on_top = answered({"left": 1.0, "down": 1.0}, 1)
    one_on_top += torch.tensor([0.3 if label in ("rings left", "rings down") else 0.0 for label in PRODUCT])
    said = []
    for responses in (mixed, one_on_top):
        (word,) = driving_words(responses[:, None], PRODUCT, label_words(PRODUCT))
        fields = {name: getattr(word, name) for name in LabelWord.model_fields if name != "q"}
        said.append(label_word(LabelWord(**fields), Limits()))
    assert "whichever of dots, rings, checks, blobs it comes with" in said[0]
    assert "most with rings: 8 of its 10 strongest clips" in said[1]


def test_labels_by_chance_get_no_pair() -> None:
    labels = PRODUCT
    noise = torch.rand((len(labels), 128), generator=torch.Generator().manual_seed(3))
    assert sum(text.startswith("Responds") for text in sentences(noise, labels)) <= 0.05 * 128
