"""Filters as pictures: their volumes slice by slice, and one tile for each."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from reportgen.media.colours import diverging, magma

FILTER_GAP = 3
"""Pixels between two filters of a sheet; slices of one filter are one pixel apart."""


def filter_sheet(volumes: NDArray[Any], scale: float) -> NDArray[np.uint8]:
    """Return volumes F C T H W as one picture `H' W' 4`, transparent between the slices.

    Filters lie side by side; in each, input channels go down and taps in time go to the right. Blue is negative, red
    positive, and the colours end at `scale`.
    """
    if volumes.ndim != 5 or not np.isfinite(volumes).all() or not (math.isfinite(scale) and scale > 0):
        raise ValueError(f"volumes must be finite F C T H W with a scale above zero, got {volumes.shape} and {scale}")
    filters, channels, frames, height, width = volumes.shape
    colours = diverging(volumes.astype(np.float64) / scale)
    cells = np.zeros((filters, channels, frames, height + 1, width + 1, 4), np.uint8)
    cells[:, :, :, :height, :width, :3] = colours
    cells[:, :, :, :height, :width, 3] = 255
    own = cells.transpose(0, 1, 3, 2, 4, 5).reshape(filters, channels * (height + 1), frames * (width + 1), 4)
    own = np.pad(own, ((0, 0), (0, 0), (0, FILTER_GAP), (0, 0)))
    sheet = own.transpose(1, 0, 2, 3).reshape(own.shape[1], -1, 4)
    return np.ascontiguousarray(sheet[:-1, : -(FILTER_GAP + 1)])


def tiles(values: NDArray[Any]) -> NDArray[np.uint8]:
    """Return one pixel for each of K values, row by row in a picture nearly square `H W 4`, the rest transparent.

    The minimum is the dark end of the colour map and the maximum its light end; equal values are all dark.
    """
    if values.ndim != 1 or not len(values) or not np.isfinite(values).all():
        raise ValueError(f"tiles show finite values K, got {values.shape}")
    columns = math.ceil(math.sqrt(len(values)))
    rows = math.ceil(len(values) / columns)
    spread = float(np.ptp(values))
    shares = (values - values.min()) / spread if spread > 0 else np.zeros(len(values))
    picture = np.zeros((rows * columns, 4), np.uint8)
    picture[: len(values), :3] = magma(shares)
    picture[: len(values), 3] = 255
    return picture.reshape(rows, columns, 4)
