"""Which labels drive a kernel, in the labels' own words: where labels are pairs of words, each word on its own."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np
import torch
from torch import Tensor

from reportgen.analyses.common.intervals import auroc_interval
from reportgen.analyses.common.ranking import column_ranks, ranks
from reportgen.analyses.evidence.word_nulls import max_null

LEAST_WORD_CLIPS = 5
"""A word of fewer clips than this is not asked about: the best of many words would lead by chance."""


MOST_PAIRED = 12
"""Words of a part up to which pairs of them are asked about, too: of more, chance would find some pair."""

EACH_OF_A_PAIR = 0.8
"""AUROC that each word of a pair must reach against clips with neither: else the pair leads by one word alone."""

STRONGEST = 10
"""Clips of a word, those that drive the kernel most, of which it is counted what else they have."""


@dataclass(frozen=True)
class Word:
    """A part of labels: which labels have it, and the words that the other part takes (none for whole labels).

    A pair ("left or right") has its two words in `either`.
    """

    text: str
    labels: frozenset[str]
    others: tuple[str, ...] = ()
    either: tuple[frozenset[str], ...] = ()


@dataclass(frozen=True)
class DrivingWord:
    """The word that tells best which clips drive a kernel: AUROC 0.5 is chance, 1 that all clips with it lead.

    `other` is the largest AUROC of the words that the other part takes: near 0.5, the kernel does not mind them. `p`
    says how often permuted labels have a word that leads as far, `low` and `high` are the AUROC's 95% interval over
    clips, of which `clips` have the word. Of the `strongest` of these that drive the kernel most, `most` have
    `most_other` in the labels' other part, more than have any other.
    """

    text: str
    auroc: float
    others: tuple[str, ...]
    other: float | None
    p: float
    low: float
    high: float
    clips: int
    most_other: str = ""
    most: int = 0
    strongest: int = 0


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


def with_pairs(words: Sequence[Word]) -> tuple[Word, ...]:
    """Return words and, of each part of the labels that has at most MOST_PAIRED of them, every pair."""
    parts: dict[tuple[str, ...], list[Word]] = {}
    for word in words:
        parts.setdefault(word.others, []).append(word)
    pairs = [
        Word(f"{one.text} or {other.text}", one.labels | other.labels, others, (one.labels, other.labels))
        for others, own in parts.items()
        if 2 < len(own) <= MOST_PAIRED
        for one, other in combinations(own, 2)
    ]
    return (*words, *pairs)


def leading(areas: Tensor, responses: Tensor, labels: Sequence[str], words: Sequence[Word]) -> list[int]:
    """Return for each kernel which of `words` leads by the AUROCs `W K` on responses `N K` to clips of `labels`.

    A pair leads only if each of its words does against the clips that have neither.
    """
    singles = [place for place, word in enumerate(words) if not word.either]
    alone = [singles[best] for best in areas[singles].argmax(0).tolist()]
    found = []
    for kernel, best in enumerate(areas.argmax(0).tolist()):
        pair = words[best].either and float(areas[best, kernel]) > float(areas[alone[kernel], kernel])
        holds = pair and _each_drives(responses[:, kernel], labels, words[best])
        found.append(best if holds else alone[kernel])
    return found


def _each_drives(responses: Tensor, labels: Sequence[str], pair: Word) -> bool:
    """Whether each word of a pair drives a kernel of responses `N` more than the clips with neither do."""
    outside = [place for place, text in enumerate(labels) if text not in pair.labels]
    for own in pair.either:
        inside = [place for place, text in enumerate(labels) if text in own]
        ranked = ranks(responses[inside + outside])[: len(inside)]
        area = (float(ranked.sum()) - len(inside) * (len(inside) + 1) / 2) / max(len(inside) * len(outside), 1)
        if area < EACH_OF_A_PAIR:
            return False
    return True


def strongest_others(responses: Tensor, labels: Sequence[str], word: Word) -> tuple[str, int, int]:
    """Return what most of the clips of a word that drive a kernel of responses `N` most have in the other part.

    With how many have it, and of how many. Of equal numbers the first that the part names; of whole labels nothing.
    """
    inside = [place for place, text in enumerate(labels) if text in word.labels]
    order = responses[inside].argsort(descending=True, stable=True)[:STRONGEST].tolist()
    top = [labels[inside[place]] for place in order]
    counts = {other: sum(_has(text, other) for text in top) for other in word.others}
    most = max(counts, key=counts.__getitem__, default="")
    return (most, counts[most], len(top)) if most else ("", 0, 0)


def _has(label: str, part: str) -> bool:
    return label.startswith(f"{part} ") or label.endswith(f" {part}")


def aurocs(responses: Tensor, labels: Sequence[str], words: Sequence[Word]) -> Tensor:
    """Return how often a clip of each word drives each kernel more than a clip without it does, `W K` float64.

    `responses` are `N K` of the clips of `labels` (N); equal responses count half.
    """
    return rank_aurocs(column_ranks(responses), labels, words)


def rank_aurocs(ranked: Tensor, labels: Sequence[str], words: Sequence[Word]) -> Tensor:
    """Return what `aurocs` does, of the ranks `N K` of the responses.

    They are summed per label, so that the number of words costs no memory.
    """
    known = list(dict.fromkeys(labels))
    places = {text: place for place, text in enumerate(known)}
    rows = torch.tensor([places[text] for text in labels])
    sums = ranked.new_zeros(len(known), ranked.shape[1]).index_add_(0, rows, ranked)
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
    words = with_pairs(words)
    ranked = column_ranks(responses)
    areas = rank_aurocs(ranked, labels, words)
    leaders = leading(areas, responses, labels, words)
    inside = torch.tensor([[text in word.labels for text in labels] for word in words])
    chance = max_null(ranked, inside, areas[leaders, range(len(leaders))], seed=seed)
    return told_words(leaders, areas, responses, labels, words, chance.tolist())


def told_words(
    leaders: Sequence[int],
    areas: Tensor,
    responses: Tensor,
    labels: Sequence[str],
    words: Sequence[Word],
    chance: Sequence[float],
) -> list[DrivingWord]:
    """Return for each kernel the word that leads (K, of `words`) with its figures, and its p of `chance` (K).

    They are of responses `N K` to clips of `labels`, whose AUROCs `W K` are `areas`.
    """
    places = {word.text: place for place, word in enumerate(words)}
    own = np.array([sum(text in words[best].labels for text in labels) for best in leaders])
    reached = areas[leaders, range(len(leaders))].numpy()
    lows, highs = auroc_interval(reached, own, len(labels) - own)
    found = []
    for kernel, best in enumerate(leaders):
        word = words[best]
        beside = [float(areas[places[text], kernel]) for text in word.others if text in places]
        figures = chance[kernel], float(lows[kernel]), float(highs[kernel]), int(own[kernel])
        mixed = strongest_others(responses[:, kernel], labels, word)
        other = max(beside, default=None)
        found.append(DrivingWord(word.text, float(reached[kernel]), word.others, other, *figures, *mixed))
    return found
