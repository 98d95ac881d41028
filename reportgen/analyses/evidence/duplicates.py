"""Kernels that repeat another one of their layer: alike in the order of the clips that drive both, and not only dark
on the same ones."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from reportgen.analyses.common.ranking import shared_ranks

ALIKE = 0.99
"""Correlation from which two kernels count as duplicates: Pearson's over all clips, and that of the ranks too."""

LEAST_DRIVING = 10
"""Clips of distinct responses that must drive both kernels of a pair: fewer tell no order."""

_AT_ONCE = 2**20

DuplicatePair = tuple[int, int, float]


def driven_enough(responses: Tensor, least: int = LEAST_DRIVING) -> Tensor:
    """Return which kernels of responses `N K` at least `least` clips drive (above zero) to distinct answers, `K`."""
    values = torch.where(responses > 0, responses, 0.0).sort(dim=0).values
    distinct = (values.diff(dim=0) > 0).sum(0) + (values[:1] > 0).sum(0)
    return distinct >= least


def rank_alike(
    responses: Tensor, pairs: Sequence[DuplicatePair], *, threshold: float = ALIKE, least: int = LEAST_DRIVING
) -> tuple[DuplicatePair, ...]:
    """Return those of the pairs whose responses (of `N K`) are in the same order over the clips that drive both.

    Spearman's correlation over these clips must reach `threshold`, and at least `least` of them must drive each of
    the two differently. The third figure of a pair stays what it was.
    """
    step = max(1, _AT_ONCE // max(len(responses), 1))
    kept: list[DuplicatePair] = []
    for start in range(0, len(pairs), step):
        part = pairs[start : start + step]
        first, second = (responses[:, [pair[place] for pair in part]].double().numpy() for place in (0, 1))
        both = (first > 0) & (second > 0)
        correlation, distinct = _over(both, _ranks(first, both), _ranks(second, both))
        alike = (correlation >= threshold) & (distinct >= least)
        kept += [pair for pair, one in zip(part, alike.tolist(), strict=True) if one]
    return tuple(kept)


def _ranks(values: NDArray[np.float64], both: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Return each column's ranks among the marked values; those left out share the lowest one."""
    return shared_ranks(np.where(both, values, -np.inf))


def _over(
    both: NDArray[np.bool_], one: NDArray[np.float64], other: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Return each column's correlation of ranks over the marked rows, and how many distinct ranks each side has."""
    count = np.maximum(both.sum(0), 1)
    centred = [np.where(both, ranks - np.where(both, ranks, 0.0).sum(0) / count, 0.0) for ranks in (one, other)]
    norm = np.sqrt((centred[0] ** 2).sum(0) * (centred[1] ** 2).sum(0))
    correlation = (centred[0] * centred[1]).sum(0) / np.where(norm > 0, norm, 1.0)
    steps = [
        (np.diff(np.sort(np.where(both, ranks, 0.0), axis=0), axis=0) > 0).sum(0) + both.all(0)
        for ranks in (one, other)
    ]
    return correlation, np.minimum(*steps)
