"""Choosing kernels by labels on one half of the clips, so that the other half can say what the labels are worth.

The kernels that labels explain best on some clips owe part of it to these clips. On clips that had no part in the
choice the word that leads needs no null for having been the best of many: it was fixed beforehand.
"""

from __future__ import annotations

import random
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from reportgen.analyses.common.rank_sums import RankSums, tied_alike
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
_EXACT_WORK = 1e6  # additions; kernels that seldom fire have as many patterns of ties as there are clips


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

    It is of the ties that there are (see `RankSums`): of a kernel that fires for a few clips normal theory puts it
    several times too low. 1 where all responses are equal, or one is no number and has no rank.
    """
    p = np.ones(ranked.shape[1])
    ordered = np.flatnonzero(np.isfinite(ranked).all(0))
    doubled, inside = np.round(2 * ranked[:, ordered]).astype(np.int64), inside[:, ordered]
    for pattern, columns in tied_alike(doubled).items():
        sizes = inside[:, columns].sum(0)
        for size in np.unique(sizes).tolist():
            alike = np.array(columns)[sizes == size]
            fewer = 2 * size <= len(ranked)  # they are what is drawn
            drawn = inside[:, alike] if fewer else ~inside[:, alike]
            own = doubled[:, alike].T[drawn.T].reshape(len(alike), -1).T
            low, high = RankSums.of_ties(pattern, len(own), _EXACT_WORK).tails(own)
            p[ordered[alike]] = high if fewer else low
    return p


def _enough(word: Word, chosen: Sequence[str], held: Sequence[str]) -> bool:
    first, second = (sum(text in word.labels for text in texts) for texts in (chosen, held))
    return 0 < first < len(chosen) and LEAST_WORD_CLIPS <= second < len(held)
