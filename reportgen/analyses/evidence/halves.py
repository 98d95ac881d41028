"""Choosing kernels by labels on one half of the clips, so that the other half can say what the labels are worth.

The kernels that labels explain best on some clips owe part of it to these clips. On clips that had no part in the
choice the word that leads needs no null for having been the best of many: it was fixed beforehand.
"""

from __future__ import annotations

import random
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr
from torch import Tensor

from reportgen.analyses.common.ranking import column_ranks
from reportgen.analyses.evidence.label_words import (
    LEAST_WORD_CLIPS,
    DrivingWord,
    Word,
    aurocs,
    leading,
    rank_aurocs,
    told_words,
    with_pairs,
)

LEAST_TO_HALVE = 4
"""Clips of a label that give each half two; two labels must have so many."""


def halves(labels: Sequence[int | None], *, seed: int = 0) -> tuple[list[int], list[int]] | None:
    """Return the places of the labelled clips in two halves, label by label; None where these are too few.

    Of a label with an odd number the half that has fewer so far gets one more.
    """
    places: dict[int, list[int]] = {}
    for place, label in enumerate(labels):
        if label is not None:
            places.setdefault(label, []).append(place)
    if sum(len(own) >= LEAST_TO_HALVE for own in places.values()) < 2:
        return None
    generator = random.Random(seed)
    first, second = list[int](), list[int]()
    for own in places.values():
        generator.shuffle(own)
        smaller, larger = sorted((first, second), key=len)
        smaller += own[: (len(own) + 1) // 2]
        larger += own[(len(own) + 1) // 2 :]
    return sorted(first), sorted(second)


def held_out_words(
    responses: Tensor,
    labels: Sequence[str],
    words: Sequence[Word],
    split: tuple[list[int], list[int]],
) -> list[DrivingWord]:
    """Return for each kernel of responses `N K` the word that leads on the first half, with its figures on the second.

    `labels` are those of all N clips, whatever a half has; `p` is that of Mann and Whitney, of one word. Empty where
    no word has LEAST_WORD_CLIPS clips in the second half.
    """
    first, second = ([labels[i] for i in places] for places in split)
    known = with_pairs([word for word in words if _enough(word, first, second)])
    if not known:
        return []
    chosen, held = (responses[places] for places in split)
    leaders = leading(aurocs(chosen, first, known), chosen, first, known)
    ranked = column_ranks(held)
    inside = np.array([[text in word.labels for text in second] for word in known])[leaders]
    chance = mann_whitney(ranked.numpy(), inside.T)
    return told_words(leaders, rank_aurocs(ranked, second, known), held, second, known, chance.tolist())


def mann_whitney(ranked: NDArray[np.float64], inside: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Return the p of Mann and Whitney's test that the clips `inside` lead, for each column of ranks `N K`, one-sided.

    It is the normal approximation with ties and continuity, as scipy.stats has it, which takes over a second to load
    and tests one kernel at a time. 1 where all responses are equal.
    """
    clips, own = len(ranked), inside.sum(0)
    others = clips - own
    led = np.where(inside, ranked, 0).sum(0) - own * (own + 1) / 2
    variance = own * others * ranked.var(0, ddof=1) / clips
    with np.errstate(divide="ignore", invalid="ignore"):
        score = (led - own * others / 2 - 0.5) / np.sqrt(variance)
    return np.where(variance > 0, ndtr(-score), 1.0)


def _enough(word: Word, chosen: Sequence[str], held: Sequence[str]) -> bool:
    first, second = (sum(text in word.labels for text in texts) for texts in (chosen, held))
    return 0 < first < len(chosen) and LEAST_WORD_CLIPS <= second < len(held)
