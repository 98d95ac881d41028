"""Rank correlation of maps."""

from __future__ import annotations

import torch
from torch import Tensor


def ranks(values: Tensor) -> Tensor:
    """Return the rank of each of the values (flattened, from 1, float64); equal values share the mean of theirs."""
    _, place, counts = torch.unique(values.flatten(), return_inverse=True, return_counts=True)
    last = counts.cumsum(0).double()
    shared: Tensor = (last - (counts.double() - 1) / 2)[place]
    return shared


def spearman(one: Tensor, other: Tensor) -> float:
    """Return Spearman's rank correlation; 0 where one of the two is constant, and says nothing of order."""
    left, right = ranks(one), ranks(other)
    left, right = left - left.mean(), right - right.mean()
    norm = float(left.norm() * right.norm())
    return float(left @ right) / norm if norm > 0 else 0.0
