"""Choosing kernels by labels on one half of the clips, so that the other half can say what the labels are worth.

The kernels that labels explain best on some clips owe part of it to these clips. On clips that had no part in the
choice the word that leads needs no null for having been the best of many: it was fixed beforehand.
"""

from __future__ import annotations

import math
import random
from collections.abc import Sequence

import scipy  # loads its parts when they are asked for: each takes a third of a second
import torch
from torch import Tensor

from reportgen.analyses.common.intervals import auroc_interval
from reportgen.analyses.common.ranking import ranks
from reportgen.analyses.evidence.label_words import (
    LEAST_WORD_CLIPS,
    DrivingWord,
    Word,
    aurocs,
    leading,
    strongest_others,
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
    chosen, held = split
    known = [word for word in words if _enough(word, [labels[i] for i in chosen], [labels[i] for i in held])]
    if not known:
        return []
    known = list(with_pairs(known))
    first = [labels[i] for i in chosen]
    leaders = leading(aurocs(responses[chosen], first, known), responses[chosen], first, known)
    texts = [labels[i] for i in held]
    areas = aurocs(responses[held], texts, known)
    columns = torch.stack([ranks(column) for column in responses[held].T], dim=1)
    places = {word.text: place for place, word in enumerate(known)}
    found = []
    for kernel, best in enumerate(leaders):
        word = known[best]
        inside = torch.tensor([text in word.labels for text in texts])
        own, others = columns[inside, kernel].numpy(), columns[~inside, kernel].numpy()
        p = float(scipy.stats.mannwhitneyu(own, others, alternative="greater", method="asymptotic").pvalue)
        beside = [float(areas[places[text], kernel]) for text in word.others if text in places]
        other = max(beside, default=None)
        low, high = map(float, auroc_interval(areas[best, kernel].numpy(), len(own), len(others)))
        p = 1.0 if math.isnan(p) else p
        mixed = strongest_others(responses[held][:, kernel], texts, word)
        area = float(areas[best, kernel])
        found.append(DrivingWord(word.text, area, word.others, other, p, low, high, len(own), *mixed))
    return found


def _enough(word: Word, chosen: Sequence[str], held: Sequence[str]) -> bool:
    first, second = (sum(text in word.labels for text in texts) for texts in (chosen, held))
    return 0 < first < len(chosen) and LEAST_WORD_CLIPS <= second < len(held)
