"""Colour maps from a few anchors, interpolated linearly in sRGB."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

_MAGMA = np.frombuffer(
    bytes.fromhex(
        "000004030311 0a0822 130d33 1d1146 28115a 36106a 430f76 50127c 5d177f 691c81 762181 822681 8f2a81 9c2e7f a9327d"
        "b63779c33b75 cf4170 db486a e65163 ee5c5e f5695c f9785d fb8761 fd9668 fea571 feb47b fec387 fed194 fde0a2 fceeb0"
        "fcfdbf"
    ),
    np.uint8,
).reshape(-1, 3)
"""Every eighth colour of magma (S. van der Walt and N. Smith, CC0), from 0 to 1; between them off by 1.3 of 255."""

_DIVERGING = np.frombuffer(bytes.fromhex("0b2a80 3a74d8 ffffff d6402f 6b0a0f"), np.uint8).reshape(-1, 3)
"""Blue, white, red, from -1 to 1; at equal distance from the white both sides are equally light (CIE L*)."""


def magma(values: NDArray[Any]) -> NDArray[np.uint8]:
    """Return the colours `... 3` of values in [0, 1] (clipped to it)."""
    return _interpolated(_MAGMA, np.clip(values, 0, 1))


def diverging(values: NDArray[Any]) -> NDArray[np.uint8]:
    """Return the colours `... 3` of values in [-1, 1] (clipped to it): blue, white at exactly zero, red."""
    return _interpolated(_DIVERGING, (np.clip(values, -1, 1) + 1) / 2)


def _interpolated(anchors: NDArray[np.uint8], place: NDArray[Any]) -> NDArray[np.uint8]:
    """Return the colours at `place` in [0, 1] along the anchors, which lie at equal distances."""
    at = np.linspace(0, 1, len(anchors))
    channels = [np.interp(place, at, anchors[:, channel]) for channel in range(3)]
    colours: NDArray[np.uint8] = np.rint(np.stack(channels, axis=-1)).astype(np.uint8)
    return colours
