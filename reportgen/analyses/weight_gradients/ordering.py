"""What the removals say: curves with intervals, and how well each score orders the filters.

A score's figure is the area between its two curves: what is left with its least important filters removed, less what
is left with its most important ones removed, as the mean over the shares. The draws of random filters say what an
order by chance reaches, and pairs of scores are compared clip by clip.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from itertools import combinations
from typing import Literal

import numpy as np
import scipy  # loads its parts when they are asked for: each takes a third of a second
from numpy.typing import NDArray

from reportgen.analyses.weight_gradients.removal import SCORES, SHARES, Removal
from reportgen.records.answers.weight_gradients import ImportanceTest, RemovalCurve, ScoreDifference, ScoreOrdering
from reportgen.records.digits import significant

Order = Literal["least", "most", "random"]

LEAST_FOR_INTERVAL = 5
"""Clips from which a mean over them has an interval."""

FLIPS = 4999
"""Random changes of sign that a difference between two scores is judged by."""

_LEVEL = 0.95


@dataclass(frozen=True)
class Curve:
    """What is left at each share of removed filters: mean over the clips with its 95% interval, where it has one.

    For random filters: the mean over all draws, and the range of 95% of the draws.
    """

    score: str
    order: Order
    mean: tuple[float, ...]
    low: tuple[float, ...] | None
    high: tuple[float, ...] | None


@dataclass(frozen=True)
class OrderedBy:
    """How well one score orders the filters: its `area` with the 95% interval over clips.

    `p_least` and `p_most`: (1 + b) / (1 + n), b of the n random draws keeping at least as much as with the least
    important filters removed, or at most as much as with the most important ones removed.
    """

    score: str
    area: float
    low: float | None
    high: float | None
    p_least: float
    p_most: float


@dataclass(frozen=True)
class ScorePair:
    """The difference of two scores' areas, with its 95% interval over clips and its p, corrected for the pairs (Holm).

    The p is that of a paired permutation test: under the null, each clip's difference may as well have the other sign.
    """

    better: str
    other: str
    difference: float
    low: float | None
    high: float | None
    p: float


def removal_curves(found: Removal) -> list[Curve]:
    """Return the curves of all scores, and that of random filters."""
    curves = []
    orders: tuple[tuple[Order, object], ...] = (("least", found.least), ("most", found.most))
    for score in SCORES:
        for order, left in orders:
            assert isinstance(left, dict)
            curves.append(_curve(score, order, left[score], share=found.measure == "accuracy"))
    draws = found.drawn.mean(axis=1)
    low, high = np.percentile(draws, [2.5, 97.5], axis=0)
    curves.append(Curve("random", "random", _rounded(draws.mean(axis=0)), _rounded(low), _rounded(high)))
    return curves


def ordered_by(found: Removal) -> list[OrderedBy]:
    """Return how well each score orders the filters, the largest area first."""
    draws = found.drawn.mean(axis=(1, 2))
    rows = []
    for score in SCORES:
        areas = _areas(found, score)
        low, high = _interval(areas)
        least, most = float(found.least[score].mean()), float(found.most[score].mean())
        edge = 1e-9 * max(float(np.abs(found.drawn).max(initial=0.0)), 1e-12)
        rows.append(
            OrderedBy(
                score=score,
                area=float(areas.mean()),
                low=low,
                high=high,
                p_least=(1 + int((draws >= least - edge).sum())) / (1 + len(draws)),
                p_most=(1 + int((draws <= most + edge).sum())) / (1 + len(draws)),
            )
        )
    return sorted(rows, key=lambda row: -row.area)


def compared_scores(found: Removal, *, seed: int = 0) -> list[ScorePair]:
    """Return the differences between the areas of each two scores, the better one first, and their corrected p."""
    pairs = []
    for one, other in combinations([row.score for row in ordered_by(found)], 2):
        difference = _areas(found, one) - _areas(found, other)
        low, high = _interval(difference)
        pairs.append(ScorePair(one, other, float(difference.mean()), low, high, _sign_p(difference, seed)))
    return [
        ScorePair(pair.better, pair.other, pair.difference, pair.low, pair.high, p)
        for pair, p in zip(pairs, holm([pair.p for pair in pairs]), strict=True)
    ]


def importance_test(found: Removal, *, scored: int, seed: int = 0) -> ImportanceTest:
    """Return what a removal says of the scores, `scored` clips having had a part in them."""
    return ImportanceTest(
        measure=found.measure,
        clips=len(found.intact),
        scored=scored,
        draws=len(found.drawn),
        intact=float(found.intact.mean()),
        filters=found.filters,
        shares=SHARES,
        removed=found.removed,
        curves=tuple(RemovalCurve(**asdict(curve)) for curve in removal_curves(found)),
        scores=tuple(ScoreOrdering(**asdict(row)) for row in ordered_by(found)),
        pairs=tuple(ScoreDifference(**asdict(pair)) for pair in compared_scores(found, seed=seed)),
    )


def holm(values: Sequence[float]) -> list[float]:
    """Return p values corrected for their number (Holm 1979), in their own order."""
    order = sorted(range(len(values)), key=lambda place: values[place])
    found, largest = [1.0] * len(values), 0.0
    for rank, place in enumerate(order):
        largest = max(largest, min(1.0, (len(values) - rank) * values[place]))
        found[place] = largest
    return found


def _sign_p(differences: NDArray[np.float64], seed: int) -> float:
    """Return the two-sided p of a mean by random changes of sign; exact where there are few clips."""
    if len(differences) < 2 or not differences.any():  # of one clip, both signs are as far from zero
        return 1.0
    result = scipy.stats.permutation_test(
        (differences,),
        lambda values, axis: np.mean(values, axis=axis),
        permutation_type="samples",
        vectorized=True,
        n_resamples=FLIPS,
        rng=np.random.default_rng(seed),
    )
    return float(result.pvalue)


def _areas(found: Removal, score: str) -> NDArray[np.float64]:
    """Return a score's area for each clip, `N`."""
    return np.asarray((found.least[score] - found.most[score]).mean(axis=1))


def _curve(score: str, order: Order, left: NDArray[np.float64], *, share: bool) -> Curve:
    """Return the curve of what is left, `N shares`; a `share` of clips has Wilson's interval, a mean Student's."""
    ends = [accuracy_interval(column) if share else _interval(column) for column in left.T]
    known = all(low is not None for low, _ in ends)
    return Curve(
        score,
        order,
        _rounded(left.mean(axis=0)),
        _rounded([low for low, _ in ends if low is not None]) if known else None,
        _rounded([high for _, high in ends if high is not None]) if known else None,
    )


def accuracy_interval(values: NDArray[np.float64]) -> tuple[float, float]:
    """Return Wilson's interval of the share of ones among `values`."""
    found = scipy.stats.binomtest(round(values.sum()), len(values)).proportion_ci(_LEVEL, method="wilson")
    return float(found.low), float(found.high)


def _interval(values: NDArray[np.float64]) -> tuple[float | None, float | None]:
    """Return Student's interval of a mean over clips; none for fewer than LEAST_FOR_INTERVAL."""
    if len(values) < LEAST_FOR_INTERVAL:
        return None, None
    half = float(scipy.stats.t.ppf((1 + _LEVEL) / 2, len(values) - 1) * scipy.stats.sem(values))
    mean = float(values.mean())
    return mean - half, mean + half


def _rounded(values: Sequence[float] | NDArray[np.float64]) -> tuple[float, ...]:
    return tuple(significant(value, 5) for value in values)
