"""A layer's maps as a volume: bytes, thresholds, and smaller ones that a file or a browser takes; numpy only.

Maps are `K T H W`; the volume of one frame is `K H W`, its kernels the slowest axis.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

_LARGEST = 255
"""The largest byte."""

_LEAST_SIDE = 8
"""Rows and columns that averaging leaves as long as frames can be left out instead."""

Threshold = float | Literal["otsu"]


@dataclass(frozen=True)
class Steps:
    """How maps were made smaller: the mean of `pixels` x `pixels` positions, and every `frames`-th frame."""

    frames: int = 1
    pixels: int = 1

    @property
    def whole(self) -> bool:
        """Whether nothing was left out."""
        return self.frames == 1 and self.pixels == 1


def steps_for(shape: tuple[int, int, int, int], most: int) -> Steps:
    """Return the smallest steps by which maps `K T H W` have at most `most` values.

    First positions are averaged, down to 8 a side, then frames left out, then positions again. Kernels stay: a layer of
    more kernels than `most` keeps one value of each.
    """
    kernels, length, height, width = shape

    def too_large(frames: int, pixels: int) -> bool:
        size = kernels * math.ceil(length / frames) * math.ceil(height / pixels) * math.ceil(width / pixels)
        return size > most

    frames = pixels = 1
    while too_large(frames, pixels) and min(height, width) >= _LEAST_SIDE * (pixels + 1):
        pixels += 1
    while too_large(frames, pixels) and frames < length:
        frames += 1
    while too_large(frames, pixels) and pixels < max(height, width):
        pixels += 1
    return Steps(frames, pixels)


def reduced(maps: NDArray[Any], steps: Steps) -> NDArray[Any]:
    """Return maps `K T H W` made smaller; at the border the mean is over the positions that there are."""
    if steps.whole:
        return maps
    kept = maps[:, :: steps.frames].astype(np.float64)
    for axis in (2, 3):
        starts = np.arange(0, kept.shape[axis], steps.pixels)
        counts = np.diff([*starts, kept.shape[axis]])
        kept = np.add.reduceat(kept, starts, axis=axis) / counts.reshape(-1, *([1] * (3 - axis)))
    return kept.astype(maps.dtype)


def rounded(maps: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return values rounded to 11 significant bits, as half precision has, in the range of float32.

    The error is at most 4.9e-4 of a value; a file of such values is about two thirds as large.
    """
    bits = np.ascontiguousarray(maps, np.float32).view(np.uint32)
    half = np.uint32(0xFFF) + ((bits >> np.uint32(13)) & np.uint32(1))  # of two that are as near, the even one
    return ((bits + half) & ~np.uint32(0x1FFF)).view(np.float32)


def byte_levels(maps: NDArray[Any]) -> NDArray[np.uint8]:
    """Return the values scaled from their minimum to their maximum onto 0 to 255 and rounded, as CNN-VIS writes them.

    Where all values are equal they are 0. Raises ValueError for values that are not finite.
    """
    if not maps.size or not np.isfinite(maps).all():
        raise ValueError("maps must be finite and have values")
    low, high = float(maps.min()), float(maps.max())
    if low == high:
        return np.zeros(maps.shape, np.uint8)
    scaled: NDArray[np.uint8] = np.rint((maps.astype(np.float64) - low) / (high - low) * _LARGEST).astype(np.uint8)
    return scaled


ZERO_LEVEL = 128
"""The byte that stands for zero where values of both signs are shown; 1 and 255 are the ends of the scale."""


def signed_levels(values: NDArray[Any], scale: float) -> NDArray[np.uint8]:
    """Return values of both signs as bytes: 128 for zero, 1 and 255 for `scale` and beyond, either way.

    Raises ValueError for values that are not finite, and for a scale that is not above zero.
    """
    if not np.isfinite(values).all() or not (math.isfinite(scale) and scale > 0):
        raise ValueError("values must be finite, and their scale above zero")
    shares = np.clip(values.astype(np.float64) / scale, -1, 1)
    levels: NDArray[np.uint8] = np.rint(ZERO_LEVEL + shares * (_LARGEST - ZERO_LEVEL)).astype(np.uint8)
    return levels


def otsu(levels: NDArray[np.uint8]) -> int:
    """Return Otsu's threshold (1979): from this byte on a value is foreground.

    It divides the histogram so that the variance between both parts is largest; of several that do so equally well, as
    in an empty stretch of the histogram, the middle one. All values equal: the byte above them.
    """
    counts = np.bincount(levels.ravel(), minlength=_LARGEST + 1).astype(np.float64)
    values = np.arange(_LARGEST + 1)
    below = np.cumsum(counts)[:-1]
    above = counts.sum() - below
    sums = np.cumsum(counts * values)[:-1]
    possible = (below > 0) & (above > 0)
    if not possible.any():
        return min(int(levels.flat[0]) + 1, _LARGEST)
    means = [
        np.divide(part, size, where=possible, out=np.zeros_like(part))
        for part, size in ((sums, below), ((counts * values).sum() - sums, above))
    ]
    between = np.where(possible, below * above * (means[0] - means[1]) ** 2, -1.0)
    best = np.flatnonzero(between >= between.max() * (1 - 1e-12))
    return int(best[len(best) // 2]) + 1


def threshold_value(
    maps: NDArray[Any], threshold: Threshold | None = None, *, percentile: float | None = None
) -> float:
    """Return the value from which on a map's value is foreground.

    It is `threshold` itself, or that of ``"otsu"`` (over the values as bytes), or the `percentile` (0 to 100) of all
    values. Raises ValueError when not exactly one of both is given.
    """
    if (threshold is None) == (percentile is None):
        raise ValueError("give a threshold or a percentile")
    if percentile is not None:
        return float(np.percentile(maps, percentile))
    if threshold == "otsu":
        low, high = float(maps.min()), float(maps.max())
        return low + (otsu(byte_levels(maps)) - 0.5) / _LARGEST * (high - low)
    assert threshold is not None
    return float(threshold)
