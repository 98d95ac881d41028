"""How far one group of clips drives kernels more than another does: Mann-Whitney's test of all kernels at once.

Mann & Whitney 1947; the area under the ROC curve (AUROC) is its statistic over the number of pairs.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

from reportgen.analyses.common.intervals import auroc_interval
from reportgen.analyses.common.rank_sums import DoubledRanks, RankFigures, RankSums, tied_alike
from reportgen.analyses.common.ranking import shared_ranks

LEAST_TESTED_CLIPS = 5
"""Clips that each side needs for a test: two or three that lead by chance are no concept, however small their p."""


@dataclass(frozen=True)
class RankTests:
    """The answers for K kernels; `p`, and the ends of the 95% interval, are NaN where there is no test.

    `auroc` is how often a clip of the first group drives the kernel more than one of the second; equal responses count
    half. `methods` names what p came from: exact, normal, bound (see `RankSums`), or none.
    """

    auroc: RankFigures
    low: RankFigures
    high: RankFigures
    p: RankFigures
    methods: NDArray[np.str_]

    @classmethod
    def of(cls, own: RankFigures, others: RankFigures, dull: NDArray[np.bool_]) -> Self:
        """Test responses `n K` against `m K`; kernels that are `dull` (K) respond alike to all clips and have no test.

        A kernel with a response that is not a number has no figures either.
        """
        n, m, kernels = len(own), len(others), own.shape[1]
        finite = np.isfinite(own).all(0) & np.isfinite(others).all(0)
        told = finite & ~dull
        auroc = np.where(finite, 0.5, np.nan)
        p, methods = np.full(kernels, np.nan), np.full(kernels, "none", dtype="<U6")
        ranks = np.round(2 * shared_ranks(np.concatenate([own, others])[:, told])).astype(np.int64)
        auroc[told] = (ranks[:n].sum(0) / 2 - n * (n + 1) / 2) / (n * m)
        tested = min(n, m) >= LEAST_TESTED_CLIPS
        if tested:
            p[told], methods[told] = _p_values(ranks, n)
        low, high = auroc_interval(auroc, n, m) if tested else (np.full(kernels, np.nan),) * 2
        return cls(auroc, np.where(told, low, np.nan), np.where(told, high, np.nan), p, methods)


def _p_values(ranks: DoubledRanks, n: int) -> tuple[RankFigures, NDArray[np.str_]]:
    """Return the p of each column of doubled `ranks`, whose first n rows are the first group, and what it came from.

    Kernels whose responses are tied alike share a distribution. The smaller group is what is drawn.
    """
    smaller = ranks[:n] if n <= len(ranks) - n else ranks[n:]
    p, methods = np.empty(ranks.shape[1]), np.empty(ranks.shape[1], dtype="<U6")
    for pattern, columns in tied_alike(ranks).items():
        null = RankSums.of_ties(pattern, len(smaller))
        p[columns], methods[columns] = null.two_sided(smaller[:, columns]), null.method
    return p, methods


def standard_scores(own: RankFigures, others: RankFigures) -> RankFigures:
    """Return (mean of `own` - mean of `others`) / standard deviation of `others`, `K`; infinite where that is zero."""
    apart = own.mean(0) - others.mean(0)
    spread = others.std(0)
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(apart == 0, 0.0, apart / spread)


def overall_ranks(auroc: RankFigures, scores: RankFigures) -> NDArray[np.int64]:
    """Return each kernel's rank, 1 for the largest AUROC; of equal ones the larger standard score leads.

    Kernels without figures come last.
    """
    order = np.lexsort((-np.nan_to_num(scores, nan=-math.inf), -np.nan_to_num(auroc, nan=-math.inf)))
    found = np.empty(len(auroc), np.int64)
    found[order] = np.arange(1, len(auroc) + 1)
    return found
