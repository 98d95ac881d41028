"""Ranks, and the rank correlation of maps."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor


def ranks(values: Tensor) -> Tensor:
    """Return the rank of each of the values (flattened, from 1, float64); equal values share the mean of theirs."""
    return torch.from_numpy(shared_ranks(values.detach().flatten().cpu().numpy()))


def column_ranks(values: Tensor) -> Tensor:
    """Return the rank of each of the values `N K` in its column, as `ranks` of each column would."""
    return torch.from_numpy(shared_ranks(values.detach().cpu().numpy()))


def shared_ranks(values: NDArray[Any]) -> NDArray[np.float64]:
    """Return the rank of each value along axis 0, from 1; equal values share the mean of theirs.

    Values that are not numbers have no order: all ranks along with them are NaN.
    """
    order = np.argsort(values, axis=0, kind="stable")
    ordered = np.take_along_axis(values, order, 0)
    place = np.arange(len(values)).reshape(-1, *(1,) * (values.ndim - 1))
    begins, ends = np.ones(values.shape, bool), np.ones(values.shape, bool)
    begins[1:] = ordered[1:] != ordered[:-1]
    ends[:-1] = begins[1:]
    first = np.maximum.accumulate(np.where(begins, place, 0), axis=0)
    last = np.minimum.accumulate(np.where(ends, place, len(values))[::-1], axis=0)[::-1]
    found = np.empty(values.shape)
    np.put_along_axis(found, order, (first + last) / 2 + 1, 0)
    return np.where(np.isnan(values).any(0), np.nan, found)


def spearman(one: Tensor, other: Tensor) -> float:
    """Return Spearman's rank correlation; 0 where one of the two is constant, and says nothing of order."""
    left, right = ranks(one), ranks(other)
    left, right = left - left.mean(), right - right.mean()
    norm = float(left.norm() * right.norm())
    return float(left @ right) / norm if norm > 0 else 0.0
