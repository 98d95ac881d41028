"""Operations that read windows of their input: pooling and resampling, and the windows of convolutions."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
from numpy.typing import NDArray

from reportgen.networks.trace.call import TracedCall
from reportgen.networks.trace.traced import NOT_READ, D, Windows


def sliding(out: int, kernel: int, stride: int, padding: int, dilation: int = 1) -> Windows:
    """Return the windows of a convolution or pool along one axis."""
    taps = np.arange(kernel) * dilation - padding
    return Windows(np.arange(out)[:, None] * stride + taps, stride)


def transposed(out: int, kernel: int, stride: int, padding: int, dilation: int = 1) -> Windows:
    """Return the windows of a transposed convolution: those inputs whose taps fall on the output."""
    reached = np.arange(out)[:, None] + padding - np.arange(kernel) * dilation
    return Windows(np.where(reached % stride == 0, reached // stride, NOT_READ), 1 / stride)


def convolution_windows(call: TracedCall[Any], place: int) -> Windows:
    """Return what a convolution reads along its axis number `place` of space and time."""
    weight = call.arguments["weight"]
    count = weight.ndim - 2
    stride, padding, dilation = (call.per_axis(name, count)[place] for name in ("stride", "padding", "dilation"))
    kind = transposed if call.arguments.get("transposed", False) else sliding
    return kind(call.shape[2 + place], weight.shape[2 + place], stride, padding, dilation)


def pool(call: TracedCall[D]) -> D:
    """Maximum or mean over windows."""
    found, rank = call.source, _spatial_rank(call.name)
    kernel = call.per_axis("kernel_size", rank, 1)
    stride = call.per_axis("stride", rank, kernel)
    padding, dilation = call.per_axis("padding", rank), call.per_axis("dilation", rank, 1)
    for place in range(rank):
        axis = len(found.shape) - rank + place
        windows = sliding(call.shape[axis], kernel[place], stride[place], padding[place], dilation[place])
        found = found.windowed(axis, windows)
    return found


def adaptive_pool(call: TracedCall[D]) -> D:
    """Maximum or mean over as many windows as are asked for."""
    found, rank = call.source, _spatial_rank(call.name)
    for axis in range(len(found.shape) - rank, len(found.shape)):
        size, out = found.shape[axis], call.shape[axis]
        if out == 1 and size > 1:
            found = found.merged([axis])
        elif out != size:
            bins = [np.arange(o * size // out, -(-((o + 1) * size) // out)) for o in range(out)]
            longest = max(len(each) for each in bins)
            reads = np.array([np.pad(each, (0, longest - len(each)), constant_values=NOT_READ) for each in bins])
            found = found.windowed(axis, Windows(reads, size / out))
    return found


def resample(call: TracedCall[D]) -> D:
    """Enlarging or reducing: the nearest neighbour, or a mixture of the nearest ones."""
    found, name = call.source, call.name
    rank = _spatial_rank(name)
    neighbours = 1 if "nearest" in name else 4 if "bicubic" in name else 2
    if name.endswith("_aa"):
        varies = any(found.varies(axis) for axis in range(len(found.shape) - rank, len(found.shape)))
        return call.boundary() if varies else found.broadcast(call.shape)
    for place in range(rank):
        axis = len(found.shape) - rank + place
        size, out = found.shape[axis], call.shape[axis]
        if size != out:
            reads = _nearest(call, place, size, out) if neighbours == 1 else _mixed(call, place, size, out, neighbours)
            found = found.windowed(axis, Windows(reads, size / out))
    return found


def _scale(call: TracedCall[Any], place: int, size: int, out: int) -> float:
    """Return how many input positions outputs are apart: by the factor if one was given, or else by the sizes."""
    given = call.arguments.get("scale_factors")
    if given is None:
        given = [value for name, value in call.arguments.items() if name.startswith("scales")]
    factors = list(given) if isinstance(given, list | tuple) else [given]
    return 1 / factors[place] if len(factors) > place and factors[place] else size / out


def _nearest(call: TracedCall[Any], place: int, size: int, out: int) -> NDArray[np.int64]:
    offset = 0.5 if "exact" in call.name else 0.0
    places = np.floor((np.arange(out) + offset) * _scale(call, place, size, out)).astype(np.int64)
    return np.asarray(np.minimum(places, size - 1)[:, None])


def _mixed(call: TracedCall[Any], place: int, size: int, out: int, neighbours: int) -> NDArray[np.int64]:
    if call.arguments.get("align_corners", False):
        places = np.arange(out) * ((size - 1) / max(1, out - 1))
    else:
        places = (np.arange(out) + 0.5) * _scale(call, place, size, out) - 0.5
    first = np.floor(places + 1e-9).astype(np.int64)
    reads = first[:, None] + np.arange(neighbours) - (neighbours - 1) // 2
    reads[np.abs(places - first) < 1e-6] = first[np.abs(places - first) < 1e-6, None]  # the others weigh nothing
    return np.asarray(np.clip(reads, 0, size - 1))


def sampled(call: TracedCall[D]) -> D:
    """Reading at the places of a grid: anywhere within a map, and whatever the grid itself comes from."""
    maps = call.source
    spatial = range(2, len(maps.shape))
    if call.of(call.arguments["grid"]).sourceless and not any(maps.varies(axis) for axis in spatial):
        return maps.merged(spatial).broadcast(call.shape)
    return call.boundary()


def _spatial_rank(name: str) -> int:
    digits = re.search(r"(\d)d", name)
    assert digits is not None  # all of these operations are named after their rank
    return int(digits.group(1))
