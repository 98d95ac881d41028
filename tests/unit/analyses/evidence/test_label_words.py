"""Labels that are pairs of words are read word by word; a kernel's words are those that rank its clips best."""

from __future__ import annotations

import torch

from reportgen.analyses.evidence.label_words import LEAST_WORD_CLIPS, Word, aurocs, driving_words, factors, label_words

LABELS = ["dots static", "dots moving up", "rings static", "rings moving up"]


def test_labels_factor_only_when_every_pair_is_there() -> None:
    assert factors(LABELS) == (("dots", "rings"), ("static", "moving up"))
    assert factors(LABELS[:3]) is None
    assert factors(["walking", "running"]) is None
    assert factors([]) is None


def test_labels_that_do_not_factor_are_words_themselves() -> None:
    words = label_words([*["walking a dog"] * LEAST_WORD_CLIPS, *["running"] * LEAST_WORD_CLIPS, "rare"])
    assert [word.text for word in words] == ["walking a dog", "running"], "one clip of a word would lead by chance"
    assert words[1].labels == {"running"}
    assert label_words(["running"] * 4) == (), "what all clips share tells nothing apart"


def test_auroc_counts_pairs_and_halves_ties() -> None:
    responses = torch.tensor([[1.0, 0.0], [3.0, 0.0], [2.0, 0.0], [0.0, 0.0]])
    labels = ["run", "jog", "sit", "sit"]
    assert aurocs(responses, labels, [Word("fast", frozenset(["run", "jog"]))]).tolist() == [[0.75, 0.5]]


def test_a_kernel_that_wants_a_motion_of_any_texture_is_said_to() -> None:
    labels = LABELS * 3
    moving = torch.tensor([float("moving" in label) for label in labels])
    dots = torch.tensor([float(label.startswith("dots")) for label in labels])
    found = driving_words(torch.stack([moving, dots], dim=1), labels, label_words(labels))
    assert [(one.text, one.auroc) for one in found] == [("moving up", 1.0), ("dots", 1.0)]
    assert found[0].others == ("dots", "rings")
    assert found[0].other == 0.5
    assert driving_words(torch.rand((8, 2)), labels, ()) == []
