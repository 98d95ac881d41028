"""Rank correlation of maps."""

from __future__ import annotations

import numpy as np
import torch
from scipy.stats import rankdata
from torch import Tensor


def ranks(values: Tensor) -> Tensor:
    """Return the rank of each of the values (flattened, from 1, float64); equal values share the mean of theirs."""
    return torch.from_numpy(np.asarray(rankdata(values.detach().flatten().cpu().numpy()), np.float64))


def spearman(one: Tensor, other: Tensor) -> float:
    """Return Spearman's rank correlation; 0 where one of the two is constant, and says nothing of order."""
    left, right = ranks(one), ranks(other)
    left, right = left - left.mean(), right - right.mean()
    norm = float(left.norm() * right.norm())
    return float(left @ right) / norm if norm > 0 else 0.0
