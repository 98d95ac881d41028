"""How like a picture is to what it was made from."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

_WINDOW = 8
"""px that a side of a window has."""

_SMALL_MEAN, _SMALL_VARIANCE = (0.01 * 255) ** 2, (0.03 * 255) ** 2


def similarity(shown: NDArray[np.uint8], source: NDArray[np.uint8]) -> float:
    """Return the structural similarity of two pictures `H W C`, 1 where they are equal.

    Mean over colours and over windows of 8x8 px side by side, smaller at the right and lower edge (Wang et al. 2004,
    equation 13, with its constants). Raises ValueError for pictures of two shapes.
    """
    if shown.shape != source.shape:
        raise ValueError(f"pictures of one shape are compared, got {shown.shape} and {source.shape}")
    one, other = shown.astype(np.float32), source.astype(np.float32)
    mean, mean_of_other = _means(one), _means(other)
    variances = _means(one * one) - mean**2 + _means(other * other) - mean_of_other**2
    together = _means(one * other) - mean * mean_of_other
    light = (2 * mean * mean_of_other + _SMALL_MEAN) / (mean**2 + mean_of_other**2 + _SMALL_MEAN)
    structure = (2 * together + _SMALL_VARIANCE) / (variances + _SMALL_VARIANCE)
    return float((light * structure).mean())


def _means(values: NDArray[np.float32]) -> NDArray[np.float64]:
    """Return the mean of each window of `H W C`."""
    starts = [np.arange(0, size, _WINDOW) for size in values.shape[:2]]
    sums = np.add.reduceat(np.add.reduceat(values, starts[0], axis=0, dtype=np.float64), starts[1], axis=1)
    rows, columns = (np.diff([*start, size]) for start, size in zip(starts, values.shape[:2], strict=True))
    means: NDArray[np.float64] = sums / (rows[:, None] * columns)[..., None]
    return means
