"""The null distribution of a sum of ranks, given the ties: exact where it can be counted, else a safe approximation.

What is asked: of N clips whose ranks are known, `k` are drawn at random; how often is the sum of their ranks as small,
or as large, as the one observed? Ties decide how far normal theory may be believed. A kernel that fires for three of a
hundred clips has a distribution with a handful of values, whose tail the normal approximation puts far too low.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property, lru_cache

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr

RankFigures = NDArray[np.float64]
DoubledRanks = NDArray[np.int64]

EXACT_WORK = 3e7
"""Additions up to which a distribution is counted exactly; more take longer than a tenth of a second."""

NORMAL_FROM = 25
"""Clips outside of the largest tie that the draw must be expected to hold for the normal approximation to be used."""

_LEVELS, _LENGTH = 512, 2**15
_SMALLEST = 1e-12
"""What a Fourier transform in double precision can tell from zero."""


@dataclass(frozen=True, eq=False)
class RankSums:
    """The sum of the ranks of `drawn` of the clips whose doubled ranks are `ranks` (N, sorted, whole numbers).

    It is counted exactly where that takes `exact_work` additions at most.
    """

    ranks: DoubledRanks
    drawn: int
    exact_work: float = EXACT_WORK

    @classmethod
    @lru_cache(maxsize=64)
    def of_ties(cls, pattern: bytes, drawn: int, exact_work: float = EXACT_WORK) -> RankSums:
        """Return the distribution of a pattern of ties, the bytes of `ranks`, which kernels tied alike share."""
        return cls(np.frombuffer(pattern, np.int64), drawn, exact_work)

    @cached_property
    def _common(self) -> int:
        """The doubled rank that most clips share."""
        values, counts = np.unique(self.ranks, return_counts=True)
        return int(values[counts.argmax()])

    @cached_property
    def _apart(self) -> DoubledRanks:
        """The doubled ranks, from the common one, of all clips outside of the largest tie."""
        apart: DoubledRanks = self.ranks[self.ranks != self._common] - self._common
        return apart

    @cached_property
    def _held(self) -> int:
        """Clips outside of the largest tie that a draw holds at most."""
        return min(self.drawn, len(self._apart))

    @property
    def method(self) -> str:
        """exact, normal, or bound: the draw with replacement, which scatters a little more."""
        if self._work <= self.exact_work:
            return "exact"
        expected = self.drawn * len(self._apart) / len(self.ranks)
        return "normal" if expected >= NORMAL_FROM else "bound"

    def tails(self, own: DoubledRanks) -> tuple[RankFigures, RankFigures]:
        """Return how often a sum is at most, and at least, that of each draw, a column of the doubled ranks `own`."""
        return {"exact": self._counted, "normal": self._normal, "bound": self._bound}[self.method](own)

    def two_sided(self, own: DoubledRanks) -> RankFigures:
        """Return the p of each draw, a column of `own`: twice the smaller of its two tails, at most 1."""
        both: RankFigures = 2 * np.minimum(*self.tails(own))
        return both.clip(max=1.0)

    @cached_property
    def _steps(self) -> tuple[int, int, DoubledRanks]:
        """Return the common divisor of what tells sums apart, the smallest offset, and the offsets from it over it."""
        if not len(self._apart):
            return 1, 0, self._apart
        base = int(self._apart.min())
        offsets = self._apart - base
        divisor = int(np.gcd.reduce(offsets)) or 1
        return divisor, base, offsets // divisor

    @cached_property
    def _work(self) -> float:
        offsets = np.sort(self._steps[2])[::-1]
        return float(len(offsets)) * (self._held + 1) * (int(offsets[: self._held].sum()) + 1)

    @cached_property
    def _counts(self) -> RankFigures:
        """The probability of (clips held outside of the largest tie, sum of their offsets), dealt clip by clip."""
        _, _, offsets = self._steps
        width = int(np.sort(offsets)[::-1][: self._held].sum()) + 1
        table = np.zeros((self._held + 1, width))
        table[0, 0] = 1.0
        held = np.arange(self._held + 1)
        for place, offset in enumerate(offsets.tolist()):
            taken = np.clip((self.drawn - held) / (len(self.ranks) - place), 0.0, 1.0)[:, None]
            moved = table[:-1, : width - offset] * taken[:-1]
            table *= 1 - taken
            table[1:, offset:] += moved
        return table

    @cached_property
    def _distribution(self) -> tuple[DoubledRanks, RankFigures]:
        """Return the possible doubled sums, sorted, and their probabilities."""
        divisor, base, _ = self._steps
        held, offset = np.nonzero(self._counts)
        sums = self.drawn * self._common + held * base + offset * divisor
        values, places = np.unique(sums.astype(np.int64), return_inverse=True)
        weights = np.bincount(places, weights=self._counts[held, offset])
        return np.asarray(values, np.int64), np.asarray(weights, np.float64)

    def _counted(self, own: DoubledRanks) -> tuple[RankFigures, RankFigures]:
        return _tails(*self._distribution, own.sum(0))

    def _normal(self, own: DoubledRanks) -> tuple[RankFigures, RankFigures]:
        """Return both tails of the normal distribution with the tie-corrected variance and half a step's correction."""
        total = len(self.ranks)
        mean = self.drawn * (total + 1)
        scatter = float(((self.ranks - (total + 1)).astype(np.float64) ** 2).sum()) / total
        sd = math.sqrt(self.drawn * (total - self.drawn) / (total - 1) * scatter)
        sums = own.sum(0)
        return ndtr((sums + 1 - mean) / sd), ndtr((mean - sums + 1) / sd)

    def _bound(self, own: DoubledRanks) -> tuple[RankFigures, RankFigures]:
        """Return both tails of a draw with replacement, of ranks in levels that do not know who was drawn."""
        levels = max(32, min(_LEVELS, _LENGTH // self.drawn))

        def scores(ranks: DoubledRanks) -> DoubledRanks:
            return np.round((ranks - self._common) * (levels / (2 * len(self.ranks)))).astype(np.int64)

        every = scores(self.ranks)
        low = int(every.min())
        share = np.bincount(every - low) / len(every)
        length = self.drawn * (len(share) - 1) + 1
        size = 1 << (length - 1).bit_length()
        weights = np.fft.irfft(np.fft.rfft(share, size) ** self.drawn, size)[:length].clip(min=0.0)
        below, above = _tails(np.arange(length) + self.drawn * low, weights, scores(own).sum(0))
        return np.maximum(below, _SMALLEST), np.maximum(above, _SMALLEST)


def tied_alike(ranks: DoubledRanks) -> dict[bytes, list[int]]:
    """Return the columns of doubled ranks `N K` by their pattern of ties (see `RankSums.of_ties`)."""
    patterns: dict[bytes, list[int]] = {}
    for column, ordered in enumerate(np.sort(ranks, axis=0).T):
        patterns.setdefault(ordered.tobytes(), []).append(column)
    return patterns


def _tails(values: DoubledRanks, weights: RankFigures, observed: DoubledRanks) -> tuple[RankFigures, RankFigures]:
    """Return how often a value is at most, and at least, each observed one."""
    up_to = np.concatenate([[0.0], np.cumsum(weights)])
    from_here = np.concatenate([np.cumsum(weights[::-1])[::-1], [0.0]])
    return up_to[np.searchsorted(values, observed, "right")], from_here[np.searchsorted(values, observed, "left")]
