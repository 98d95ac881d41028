"""Which labels drive a kernel, in the labels' own words: where labels are pairs of words, each word on its own."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from reportgen.analyses.common.intervals import auroc_interval
from reportgen.analyses.common.ranking import ranks
from reportgen.analyses.evidence.word_nulls import max_null

LEAST_WORD_CLIPS = 5
"""A word of fewer clips than this is not asked about: the best of many words would lead by chance."""


@dataclass(frozen=True)
class Word:
    """A part of labels: which labels have it, and the words that the other part takes (none for whole labels)."""

    text: str
    labels: frozenset[str]
    others: tuple[str, ...] = ()


@dataclass(frozen=True)
class DrivingWord:
    """The word that tells best which clips drive a kernel: AUROC 0.5 is chance, 1 that all clips with it lead.

    `other` is the largest AUROC of the words that the other part takes: near 0.5, the kernel does not mind them. `p`
    says how often permuted labels have a word that leads as far, `low` and `high` are the AUROC's 95% interval over
    clips, of which `clips` have the word.
    """

    text: str
    auroc: float
    others: tuple[str, ...]
    other: float | None
    p: float
    low: float
    high: float
    clips: int


def factors(labels: Sequence[str]) -> tuple[tuple[str, ...], tuple[str, ...]] | None:
    """Return the two parts of which every label is a pair, or None where labels are no product of two parts.

    ``dots static, dots moving up, rings static, rings moving up`` is (dots, rings) times (static, moving up).
    """
    words = [label.split() for label in dict.fromkeys(labels)]
    longest = max((len(one) for one in words), default=0)
    for cut in range(1, longest):
        heads = dict.fromkeys(" ".join(one[:cut]) for one in words)
        tails = dict.fromkeys(" ".join(one[cut:]) for one in words)
        if len(heads) > 1 and len(tails) > 1 and "" not in tails and len(heads) * len(tails) == len(words):
            return tuple(heads), tuple(tails)
    return None


def label_words(labels: Sequence[str]) -> tuple[Word, ...]:
    """Return the words of the clips' labels (of each part where they factor).

    Left out are words that all clips have and those of fewer than LEAST_WORD_CLIPS clips.
    """
    counts = Counter(labels)
    parts = factors(list(counts))
    if parts is None:
        whole = [Word(text, frozenset([text])) for text in counts]
    else:
        heads, tails = parts
        whole = [Word(text, frozenset(one for one in counts if one.startswith(f"{text} ")), tails) for text in heads]
        whole += [Word(text, frozenset(one for one in counts if one.endswith(f" {text}")), heads) for text in tails]
    return tuple(word for word in whole if LEAST_WORD_CLIPS <= sum(counts[one] for one in word.labels) < len(labels))


def aurocs(responses: Tensor, labels: Sequence[str], words: Sequence[Word]) -> Tensor:
    """Return how often a clip of each word drives each kernel more than a clip without it does, `W K` float64.

    `responses` are `N K` of the clips of `labels` (N); equal responses count half. The ranks are summed per label,
    so that the number of words costs no memory.
    """
    known = list(dict.fromkeys(labels))
    places = {text: place for place, text in enumerate(known)}
    rows = torch.tensor([places[text] for text in labels])
    ranked = torch.stack([ranks(column) for column in responses.T], dim=1)
    sums = ranked.new_zeros(len(known), responses.shape[1]).index_add_(0, rows, ranked)
    counts = rows.bincount(minlength=len(known))
    found = []
    for word in words:
        own = torch.tensor([text in word.labels for text in known])
        inside = int(counts[own].sum())
        outside = len(labels) - inside
        found.append((sums[own].sum(0) - inside * (inside + 1) / 2) / (inside * outside))
    return torch.stack(found)


def driving_words(
    responses: Tensor, labels: Sequence[str], words: Sequence[Word], *, seed: int = 0
) -> list[DrivingWord]:
    """Return for each kernel of responses `N K` the word that drives it most; empty without words.

    The best of many words leads by chance too: `seed` is that of the permutations that tell how often.
    """
    if not words:
        return []
    ranked = aurocs(responses, labels, words)
    places = {word.text: place for place, word in enumerate(words)}
    inside = torch.tensor([[text in word.labels for text in labels] for word in words])
    columns = torch.stack([ranks(column) for column in responses.T], dim=1)
    chance = max_null(columns, inside, ranked.amax(0), seed=seed).tolist()
    found = []
    for kernel, best in enumerate(ranked.argmax(dim=0).tolist()):
        word = words[best]
        others = [float(ranked[places[text], kernel]) for text in word.others if text in places]
        clips, area = int(inside[best].sum()), ranked[best, kernel].numpy()
        low, high = map(float, auroc_interval(area, clips, len(labels) - clips))
        other = max(others, default=None)
        found.append(DrivingWord(word.text, float(area), word.others, other, chance[kernel], low, high, clips))
    return found
