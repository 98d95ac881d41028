"""Operations that an index tells which elements to read, write or add up: gathering, scattering, folding patches."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from reportgen.networks.trace.call import TracedCall, ValuesNeededError
from reportgen.networks.trace.overwriting import written_at
from reportgen.networks.trace.traced import NOT_READ, D, Windows

_MOST_ADDED = 16
"""As many elements at most are added up at one position; more become a boundary."""


def gather(call: TracedCall[D]) -> D:
    """Return the elements that an index picks along an axis, where it picks the same ones along all others."""
    axis, index, found = call.axis(), call.arguments["index"], call.source
    for other, size in enumerate(call.shape):
        found = found if other == axis else found.sliced(other, 0, size)
    if not found.varies(axis):
        return found.sliced(axis, 0, 1).broadcast(call.shape)
    positions = _positions(call, axis, index)
    return call.boundary() if positions is None else found.taken(axis, positions)


def scatter(call: TracedCall[D]) -> D:
    """Return the elements with those along an axis written over that an index picks."""
    axis, index, part = call.axis(), call.arguments["index"], _part(call, "src")
    if part is None or call.arguments.get("reduce") is not None:
        return call.boundary()
    positions = _positions(call, axis, index)
    if positions is not None:
        return written_at(call.source, axis, positions, part)
    if part.varies(axis) or not call.trace.sourceless([index]):
        return call.boundary()
    return call.union([call.source, part.sliced(axis, 0, 1)])


def add_by_index(call: TracedCall[D]) -> D:
    """Return the elements with others added to those along an axis that an index picks."""
    axis, index = call.axis(), call.arguments["index"]
    part, positions = _part(call, "source" if call.name == "index_add" else "src"), _positions(call, axis, index)
    if part is None or positions is None:
        return call.boundary()
    turns = np.array([int((positions[:place] == one).sum()) for place, one in enumerate(positions)])
    if turns.max(initial=0) >= _MOST_ADDED:
        return call.boundary()
    added = [call.source]
    for turn in range(turns.max(initial=-1) + 1):
        own = np.flatnonzero(turns == turn)
        added.append(written_at(call.nothing(), axis, positions[own], part.taken(axis, own)))
    return call.limited(call.union(added))


def fold_patches(call: TracedCall[D]) -> D:
    """Return pictures `N C H W` that are sums of overlapping patches, which are given as columns `N C*h*w P`."""
    pictures, sizes = call.shape[:-2], call.per_axis("kernel_size", 2)
    counts, reads = zip(*(_folding(call, place) for place in (0, 1)), strict=True)
    first = len(pictures)
    order = (*range(first), first, first + 2, first + 1, first + 3)  # each tap beside the patches along its own axis
    lines = [size * count for size, count in zip(sizes, counts, strict=True)]
    found = call.source.reshaped((*pictures, *sizes, *counts)).permuted(order).reshaped((*pictures, *lines))
    for place, read in enumerate(reads):
        found = found.windowed(first + place, Windows(read))
    return call.limited(found)


def _folding(call: TracedCall[D], place: int) -> tuple[int, NDArray[np.int64]]:
    """Return how many patches there are along an axis, and what of `taps * patches` each position there adds up."""
    names = ("output_size", "kernel_size", "dilation", "padding", "stride")
    length, size, dilation, padding, stride = (call.per_axis(name, 2)[place] for name in names)
    count = (length + 2 * padding - dilation * (size - 1) - 1) // stride + 1
    reached = np.arange(length)[:, None] + padding - np.arange(size) * dilation
    patches = reached // stride
    there = (reached % stride == 0) & (patches >= 0) & (patches < count)
    return count, np.where(there, np.arange(size) * count + patches, NOT_READ)


def _part(call: TracedCall[D], name: str) -> D | None:
    """Return what is written where the index says; None where the index leaves a part of it, or of the axes, out."""
    index, given = call.arguments["index"], call.arguments.get(name)
    axis, shape = call.axis(), list(call.shape)
    shape[axis] = index.numel() if call.name == "index_add" else index.shape[axis]
    if call.name != "index_add" and list(index.shape) != shape:
        return None
    if not isinstance(given, Tensor):
        return call.nothing(shape)
    return call.of(given) if list(given.shape) == shape else None


def _positions(call: TracedCall[D], axis: int, index: Tensor) -> NDArray[np.int64] | None:
    """Return the positions of an axis that an index picks; None where others elsewhere, or as the clip says."""
    if not call.trace.sourceless([index]):
        return None
    values = call.trace.values(index)
    if values is None:
        raise ValuesNeededError(f"{call.name} goes by an index whose values a trace of shapes does not have")
    rows = values.reshape(1, -1) if index.ndim < 2 else np.moveaxis(values, axis, -1).reshape(-1, values.shape[axis])
    same = bool((rows == rows[:1]).all())
    return np.asarray(rows[0] % call.source.shape[axis], np.int64) if same and len(rows) else None
