"""Operations that move elements, repeat them, or join them element by element: each result keeps their sources."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from torch import Tensor

from reportgen.networks.trace.call import TracedCall, ValuesNeededError
from reportgen.networks.trace.strides import same_elements
from reportgen.networks.trace.traced import D
from reportgen.networks.trace.views import Expand, Permute, Reshape, Select, Slice, View

ViewRule = Callable[[TracedCall[Any]], Sequence[View] | None]
"""How an operation of views reads its base; None where its arguments make it one that cannot be followed."""


def reshape(call: TracedCall[Any]) -> list[View]:
    """The same elements in the same order."""
    return [Reshape(tuple(output.shape)) for output in call.outputs]


def transpose(call: TracedCall[Any]) -> list[View]:
    """Two axes change places."""
    order = list(range(len(call.source.shape)))
    if call.name in {"t", "numpy_T"}:
        order.reverse()
    else:
        first, second = call.axis("dim0"), call.axis("dim1")
        order[first], order[second] = order[second], order[first]
    return [Permute(tuple(order))]


def permute(call: TracedCall[Any]) -> list[View]:
    """The axes change places."""
    rank = len(call.source.shape)
    return [Permute(tuple(int(axis) % rank for axis in call.arguments["dims"]))]


def cut(call: TracedCall[Any]) -> list[View]:
    """A slice of an axis."""
    axis, arguments = call.axis(), call.arguments
    start = arguments.get("start") or 0
    size = call.source.shape[axis]
    start = min(max(start + size if start < 0 else start, 0), size)
    return [Slice(axis, start, call.shape[axis], arguments.get("step", 1))]


def select(call: TracedCall[Any]) -> list[View]:
    """One position of an axis."""
    axis = call.axis()
    return [Select(axis, int(call.arguments["index"]) % call.source.shape[axis])]


def split(call: TracedCall[Any]) -> list[View]:
    """Slices one behind the other."""
    axis, start, views = call.axis(), 0, []
    for output in call.outputs:
        views.append(Slice(axis, start, output.shape[axis]))
        start += output.shape[axis]
    return list(views)


def unbind(call: TracedCall[Any]) -> list[View]:
    """Every position of an axis by itself."""
    return [Select(call.axis(), position) for position in range(len(call.outputs))]


def expand(call: TracedCall[Any]) -> list[View]:
    """Axes repeated without copying."""
    return [Expand(call.shape)]


def strided(call: TracedCall[Any]) -> list[View] | None:
    """A view by strides, where it shows the same elements."""
    size, stride, offset = (call.arguments[name] for name in ("size", "stride", "storage_offset"))
    return [Reshape(call.shape)] if same_elements(call.tensors()[0], size, stride, offset) else None


def elementwise(call: TracedCall[D]) -> D:
    """Return the union of what all arguments hold at the same element."""
    return call.union([call.of(tensor) for tensor in call.tensors()])


def first_argument(call: TracedCall[D]) -> D:
    """Every element keeps the sources of the same element of the first argument."""
    return call.source.broadcast(call.shape)


def constant(call: TracedCall[D]) -> D:
    """Return what is known of values that depend on no argument."""
    return call.nothing()


def gated_halves(call: TracedCall[D]) -> D:
    """Return what one half of the channels, gated by the other (GLU), comes from."""
    source = call.source
    axis = call.axis(default=-1) if "dim" in call.arguments else len(source.shape) - 1
    half = call.shape[axis]
    return call.union([source.sliced(axis, start, half) for start in (0, half)])


def copy(call: TracedCall[D]) -> D:
    """Return what is copied in."""
    return call.union([call.of(call.arguments["src"])])


def fill(call: TracedCall[D]) -> D:
    """Return what the value comes from that is filled in."""
    value = call.arguments["value"]
    return call.union([call.of(value)]) if isinstance(value, Tensor) else call.nothing()


def concatenate(call: TracedCall[D]) -> D:
    """Return the arguments one behind the other."""
    parts = [t for t in call.arguments["tensors"] if t.shape != (0,)]
    axis = int(call.arguments.get("dim", 0)) % len(call.shape)
    return call.concatenated([call.of(part) for part in parts], axis)


def stack(call: TracedCall[D]) -> D:
    """Return the arguments along a new axis."""
    axis = int(call.arguments.get("dim", 0)) % len(call.shape)
    inner = (*call.shape[:axis], 1, *call.shape[axis + 1 :])
    return call.concatenated([call.of(part).reshaped(inner) for part in call.arguments["tensors"]], axis)


def repeat(call: TracedCall[D]) -> D:
    """Return the elements tiled."""
    source = call.source
    tiled = source.broadcast((*[1] * (len(call.shape) - len(source.shape)), *source.shape))
    for axis, times in enumerate(call.arguments["repeats"]):
        shape = (*tiled.shape[:axis], tiled.shape[axis] * times, *tiled.shape[axis + 1 :])
        if times != 1:
            tiled = call.concatenated([tiled] * times, axis, shape) if tiled.varies(axis) else tiled.broadcast(shape)
    return tiled


def pad(call: TracedCall[D]) -> D:
    """Padding, with zeros or with copies of what lies at the border."""
    found, pads = call.source, list(call.arguments.get("pad", call.arguments.get("padding", ())))
    for place in range(len(pads) // 2):
        axis, (before, after) = len(found.shape) - 1 - place, pads[2 * place : 2 * place + 2]
        if before or after:
            padded = found.padded(axis, before, after, "zeros" if call.name == "constant_pad_nd" else "copies")
            if padded is None:
                return call.boundary()
            found = padded
    return found


def unfold(call: TracedCall[D]) -> D:
    """Return the windows along an axis; what is in each lies along a new, last axis."""
    source, axis = call.source, int(call.arguments["dimension"]) % max(1, len(call.source.shape))
    size, step, count = call.arguments["size"], call.arguments["step"], call.shape[axis]
    taps = [source.sliced(axis, first, count, step) for first in range(size)]
    return call.concatenated([tap.reshaped((*tap.shape, 1)) for tap in taps], len(call.shape) - 1)


def unfold_patches(call: TracedCall[D]) -> D:
    """Return the patches of pictures `N C H W` as columns `N C*H*W P`."""
    rows, columns = (_placed_taps(call, place) for place in (0, 1))
    padded, pads = call.source, call.arguments["padding"]
    for axis, pad in zip((-2, -1), pads, strict=True):
        axis += len(padded.shape)  # noqa: PLW2901 (from the end: there may be no axis of samples)
        found = padded.padded(axis, pad, pad, "zeros")
        if found is None:
            return call.boundary()
        padded = found
    *lead, channels, _, _ = padded.shape
    across, down, taps = len(lead) + 2, len(lead) + 1, []
    for first in rows.starts:
        part = padded.sliced(down, first, rows.count, rows.step)
        for left in columns.starts:
            tap = part.sliced(across, left, columns.count, columns.step)
            taps.append(tap.reshaped((*lead, channels, 1, rows.count * columns.count)))
    shape = (*lead, channels, len(taps), rows.count * columns.count)
    return call.concatenated(taps, len(lead) + 1, shape).reshaped(call.shape)


@dataclass(frozen=True)
class _Taps:
    """Where the taps of patches begin along an axis of padded pictures, how far apart patches are, and their number."""

    starts: range
    step: int
    count: int


def _placed_taps(call: TracedCall[Any], place: int) -> _Taps:
    names = ("kernel_size", "dilation", "padding", "stride")
    size, dilation, padding, stride = (int(call.arguments[name][place]) for name in names)
    length = call.source.shape[place - 2] + 2 * padding
    return _Taps(range(0, size * dilation, dilation), stride, (length - dilation * (size - 1) - 1) // stride + 1)


def flip(call: TracedCall[D]) -> D:
    """Return the elements with axes turned round."""
    return call.source.flipped(call.arguments["dims"])


def turned(call: TracedCall[D]) -> D:
    """Return the elements turned by quarters of a circle from the first of two axes towards the second."""
    rank = len(call.source.shape)
    first, second = (axis % rank for axis in call.arguments["dims"])
    quarters = call.arguments["k"] % 4
    found = call.source.flipped({1: [second], 2: [first, second], 3: [first]}.get(quarters, []))
    order = list(range(rank))
    order[first], order[second] = order[second], order[first]
    return found.permuted(order) if quarters % 2 else found


def roll(call: TracedCall[D]) -> D:
    """Return the elements shifted in a circle."""
    found, dims, shifts = call.source, call.arguments.get("dims") or [], call.arguments["shifts"]
    if not dims:
        found, dims = found.reshaped((math.prod(found.shape),)), [0]
    for dim, shift in zip(dims, shifts, strict=True):
        found = found.rolled(dim % len(found.shape), shift)
    return found.reshaped(call.shape)


def index_select(call: TracedCall[D]) -> D:
    """Return the positions that an index picks."""
    return _taken(call, call.axis(), call.arguments["index"])


def index(call: TracedCall[D]) -> D:
    """Return the positions that index tensors pick."""
    source, indices = call.source, call.arguments["indices"]
    used = [axis for axis, index in enumerate(indices) if index is not None]
    if not call.trace.sourceless(t for t in indices if t is not None):
        return call.boundary()
    if len(used) == 1 and indices[used[0]].ndim == 1:
        return _taken(call, used[0], indices[used[0]])
    if not any(source.varies(axis) for axis in range(len(source.shape))):
        return source.merged(range(len(source.shape))).reshaped(()).broadcast(call.shape)
    return call.boundary()


def _taken(call: TracedCall[D], axis: int, index: Tensor) -> D:
    source = call.source
    if not source.varies(axis):
        return source.sliced(axis, 0, 1).broadcast(call.shape)
    if not call.trace.sourceless([index]):
        return call.boundary()
    values = call.trace.values(index)
    if values is None:
        raise ValuesNeededError(f"{call.name} takes channels by an index whose values a trace of shapes does not have")
    if values.dtype == np.bool_:
        values = np.flatnonzero(values)
    return source.taken(axis, values)


def shuffle_channels(call: TracedCall[D]) -> D:
    """Return the elements behind torch's own channel shuffle."""
    n, c, *rest = call.shape
    groups = call.arguments["groups"]
    apart = call.source.reshaped((n, groups, c // groups, *rest))
    return apart.permuted((0, 2, 1, *range(3, len(rest) + 3))).reshaped(call.shape)


def shuffle_pixels(call: TracedCall[D]) -> D:
    """Return the elements behind a pixel shuffle or its inverse."""
    *lead, c, h, w = call.source.shape
    n = len(lead)
    if call.name == "pixel_shuffle":
        r = call.arguments["upscale_factor"]
        apart = call.source.reshaped((*lead, c // r**2, r, r, h, w))
        order = (*range(n), n, n + 3, n + 1, n + 4, n + 2)
    else:
        r = call.arguments["downscale_factor"]
        apart = call.source.reshaped((*lead, c, h // r, r, w // r, r))
        order = (*range(n), n, n + 2, n + 4, n + 1, n + 3)
    return apart.permuted(order).reshaped(call.shape)
