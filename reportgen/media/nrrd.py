"""Arrays as NRRD (teem.sourceforge.net/nrrd), which 3D Slicer and ParaView open."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from reportgen.gzipped import gzipped

_TYPES = {"float32": "float", "uint8": "uint8"}


def nrrd_file(
    values: NDArray[Any], axes: Sequence[str], *, listed: int = 0, limits: tuple[float, float] | None = None
) -> bytes:
    """Return float32 or uint8 values as one file, compressed; equal bytes for equal values.

    `axes` names the axes of `values` from the last, which varies fastest, to the first. Samples lie at a distance of 1;
    the `listed` last ones of `axes` are lists and no space: 3D Slicer opens those of one list as a sequence of volumes.
    `limits` are the values that the bytes 0 and 255 stand for. Raises ValueError for values of another type or that are
    not finite, and for other axes.
    """
    if str(values.dtype) not in _TYPES or not np.isfinite(values).all() or len(axes) != values.ndim:
        raise ValueError(f"NRRD takes finite float32 or uint8 with a name for each axis, got {values.dtype}, {axes}")
    spaces = len(axes) - listed
    lines = [
        "NRRD0005",
        f"type: {_TYPES[str(values.dtype)]}",
        f"dimension: {values.ndim}",
        f"sizes: {' '.join(map(str, reversed(values.shape)))}",
        f"spacings: {' '.join(['1'] * spaces + ['nan'] * listed)}",
        "labels: " + " ".join(f'"{name}"' for name in axes),
        f"kinds: {' '.join(['domain'] * spaces + ['list'] * listed)}",
        *([f"old min: {limits[0]!r}", f"old max: {limits[1]!r}"] if limits else []),
        "endian: little",
        "encoding: gzip",
    ]
    little = np.ascontiguousarray(values, values.dtype.newbyteorder("<"))
    return ("\n".join(lines) + "\n\n").encode() + gzipped(little.tobytes(), 6)
