"""Drawing records to compute again, and what a draw that finds nothing proves."""

from __future__ import annotations

import random
from collections.abc import Sequence
from math import comb
from typing import TypeVar

from reportgen.proof.outcome import MissedForgeries

_Item = TypeVar("_Item")

_FORGED = (1, 2, 5, 10, 20, 50)


def drawn(items: Sequence[_Item], count: int, seed: int) -> list[_Item]:
    """Return `count` of the items, or all where there are fewer, drawn by a seed, each once and in their order."""
    places = random.Random(seed).sample(range(len(items)), min(count, len(items)))
    return [items[place] for place in sorted(places)]


def miss_probability(population: int, forged: int, sample: int) -> float:
    """Return the probability that none of `forged` among `population` is in a `sample` of it (hypergeometric)."""
    return comb(population - forged, sample) / comb(population, sample)


def missed_forgeries(population: int, sample: int) -> tuple[MissedForgeries, ...]:
    """Return for some numbers of forged records how probably a sample of a population misses all of them."""
    return tuple(
        MissedForgeries(forged=forged, probability=miss_probability(population, forged, sample))
        for forged in _FORGED
        if forged <= population
    )
