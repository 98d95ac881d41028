"""High dynamic range into the range that networks were trained on: PQ and HLG (ITU-R BT.2100) into BT.709."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from reportgen.clips.source import Frame

PQ, HLG = 16, 18
CURVES = frozenset({PQ, HLG})
"""FFmpeg's numbers of the transfer characteristics (ITU-T H.273)."""

_BT2020 = 9
_WHITE = 203.0
"""cd/m2 of the white of paper in HDR (ITU-R BT.2408), which is the white of other video."""

_KNEE = 0.75
"""Share of white up to which light is kept as it is; what is brighter, and brighter than white, is compressed above."""

_BT2020_TO_BT709 = np.array(
    [[1.6605, -0.5876, -0.0728], [-0.1246, 1.1329, -0.0083], [-0.0182, -0.1006, 1.1187]], np.float32
)


def to_sdr(pixels: NDArray[np.uint16], curve: int, primaries: int) -> Frame:
    """Return pixels H W 3 of 16 bits, coded by `curve` (PQ or HLG), as 8 bits of BT.709, brightest parts compressed."""
    light: NDArray[np.float32] = _LIGHT[curve](np.linspace(0, 1, 1 << 16)).astype(np.float32)[pixels]
    if curve == HLG:  # the display's own curve, for 1000 cd/m2
        luminance = light @ np.array([0.2627, 0.6780, 0.0593], np.float32)
        light *= np.maximum(luminance, 1e-6)[..., None] ** np.float32(0.2) * np.float32(1000 / _WHITE)
    if primaries == _BT2020:
        light = np.maximum(light @ _BT2020_TO_BT709.T, np.float32(0))
    # All colours of a pixel are compressed alike, by the strongest, so that its hue stays.
    strongest = light.max(axis=-1, keepdims=True)
    above = np.maximum(strongest - _KNEE, 0)
    compressed = np.minimum(strongest, _KNEE) + (1 - _KNEE) * above / (above + 1 - _KNEE)
    light *= compressed / np.maximum(strongest, 1e-6)
    coded = np.clip(light, 0, 1) ** np.float32(1 / 2.4)  # BT.1886, the curve of displays
    return np.asarray(np.rint(coded * 255), np.uint8)


def _pq(signal: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the light, in units of white, of a signal in [0, 1]."""
    root = signal ** (32 / 2523)
    light = np.maximum(root - 107 / 128, 0) / (2413 / 128 - 2392 / 128 * root)
    return np.asarray(10000 / _WHITE * light ** (8192 / 1305))


def _hlg(signal: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the scene's light in [0, 1] of a signal in [0, 1]."""
    a = 0.17883277
    b, c = 1 - 4 * a, 0.5 - a * np.log(4 * a)
    return np.where(signal <= 0.5, signal**2 / 3, (np.exp((signal - c) / a) + b) / 12)


_LIGHT = {PQ: _pq, HLG: _hlg}
