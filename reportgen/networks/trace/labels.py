"""Where each element of a tensor comes from: sets of kernels, stored only along the axes on which they differ.

A label is the number of one kernel (or of an input channel, or of a boundary) in the connection graph; `NONE` marks
an element that no kernel can change, such as a zero of a padding. A convolution's output has one label per channel
and the same one at all positions, so a `Labels` of a video activation holds C numbers and not C T H W.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Ids = NDArray[np.int32]

NONE = -1


@dataclass(frozen=True, eq=False)
class Labels:
    """The source kernels of every element of a tensor.

    `ids` has the shape (K, d_1 ... d_n): up to K sources for each element, in descending order and padded with
    `NONE`; each d_i is the tensor's size on that axis, or 1 where all elements of the axis have the same sources.
    `shape` is the tensor's own.
    """

    ids: Ids
    shape: tuple[int, ...]

    @property
    def sourceless(self) -> bool:
        """Whether no kernel can change any element."""
        return bool((self.ids == NONE).all())

    def varies(self, axis: int) -> bool:
        """Whether the sources differ along this axis of the tensor."""
        return bool(self.ids.shape[axis % len(self.shape) + 1] > 1)

    def expanded(self, axes: Iterable[int]) -> Ids:
        """Return `ids` with these axes of the tensor written out at their full size."""
        shape = list(self.ids.shape)
        for axis in axes:
            shape[axis + 1] = self.shape[axis]
        return np.broadcast_to(self.ids, shape)

    def sources(self) -> Ids:
        """Return all sources of all elements, ascending, each once."""
        found = np.unique(self.ids)
        return np.asarray(found[found != NONE], np.int32)


def canonical(ids: Ids, shape: Sequence[int]) -> Labels:
    """Return labels with each source once per element and no axis longer than it need be."""
    if ids.shape[0] > 1:
        ids = _each_once(ids)
    for axis in range(1, ids.ndim):
        if ids.shape[axis] > 1:
            first = ids.take([0], axis=axis)
            if (ids == first).all():
                ids = first
    return Labels(np.ascontiguousarray(ids, dtype=np.int32), tuple(shape))


def _each_once(ids: Ids) -> Ids:
    """Return `ids` without repeats along the first axis, in descending order."""
    ordered = np.sort(ids, axis=0)[::-1].copy()
    ordered[1:][ordered[1:] == ordered[:-1]] = NONE
    ordered = np.sort(ordered, axis=0)[::-1]
    used = (ordered != NONE).reshape(len(ordered), -1).any(axis=1)
    return ordered[: max(1, int(used.sum()))]


def nothing(shape: Sequence[int]) -> Labels:
    """Return the labels of a constant."""
    return Labels(np.full((1, *(1 for _ in shape)), NONE, np.int32), tuple(shape))


def everywhere(source: int, shape: Sequence[int]) -> Labels:
    """Return labels that name one source at every element."""
    return Labels(np.full((1, *(1 for _ in shape)), source, np.int32), tuple(shape))


def counted(first: int, axis: int, shape: Sequence[int]) -> Labels:
    """Return labels `first`, `first + 1` ... along one axis: a layer's kernels along its output's channels."""
    lengths = [1] * (len(shape) + 1)
    lengths[axis % len(shape) + 1] = shape[axis]
    ids = np.arange(first, first + shape[axis], dtype=np.int32).reshape(lengths)
    return Labels(ids, tuple(shape))


def union(parts: Sequence[Labels], shape: Sequence[int]) -> Labels:
    """Return the labels of an element-wise function of several tensors, broadcast as torch does."""
    parts = [part for part in parts if not part.sourceless]
    if not parts:
        return nothing(shape)
    aligned = [_aligned(part, len(shape)) for part in parts]
    if len(aligned) == 1 or all(same_sources(aligned[0], ids) for ids in aligned[1:]):
        return Labels(aligned[0], tuple(shape))
    widest = np.broadcast_shapes(*(ids.shape[1:] for ids in aligned))
    stacked = np.concatenate([np.broadcast_to(ids, (len(ids), *widest)) for ids in aligned])
    return canonical(stacked, shape)


def _aligned(labels: Labels, rank: int) -> Ids:
    missing = rank - len(labels.shape)
    return labels.ids.reshape(len(labels.ids), *([1] * missing), *labels.ids.shape[1:])


def same_sources(first: Ids, second: Ids) -> bool:
    """Whether two canonical id arrays are equal."""
    return first is second or (first.shape == second.shape and bool((first == second).all()))


def concatenate(parts: Sequence[Labels], axis: int, shape: Sequence[int]) -> Labels:
    """Return the labels of a concatenation along `axis`."""
    written = [part.expanded([axis]) for part in parts]
    depth = max(len(ids) for ids in written)
    lengths = [max(ids.shape[i] for ids in written) for i in range(1, written[0].ndim)]
    blocks = []
    for ids in written:
        lengths[axis] = ids.shape[axis + 1]
        block = np.full((depth, *lengths), NONE, np.int32)
        block[: len(ids)] = ids
        blocks.append(block)
    return canonical(np.concatenate(blocks, axis=axis + 1), shape)


def merged(labels: Labels, axes: Iterable[int]) -> Labels:
    """Return labels in which all elements along `axes` share the union of their sources; those axes become 1."""
    ids = labels.ids
    shape = list(labels.shape)
    for axis in axes:
        shape[axis] = 1
        length = ids.shape[axis + 1]
        if length > 1:
            pieces = np.moveaxis(ids, axis + 1, 1).reshape(len(ids) * length, *np.delete(ids.shape[1:], axis))
            ids = np.expand_dims(_each_once(pieces), axis + 1)
    return canonical(ids, shape)


def windowed(labels: Labels, axis: int, reads: Sequence[NDArray[np.int64]]) -> Labels:
    """Return labels after an operation whose output position o reads the positions `reads[o]` along `axis`."""
    shape = list(labels.shape)
    shape[axis] = len(reads)
    if not labels.varies(axis):
        return Labels(labels.ids, tuple(shape))
    columns = []
    for positions in reads:
        window = np.moveaxis(labels.ids.take(positions, axis=axis + 1), axis + 1, 1)
        columns.append(window.reshape(-1, *window.shape[2:]))
    depth = max(len(column) for column in columns)
    padded = [np.pad(c, [(0, depth - len(c))] + [(0, 0)] * (c.ndim - 1), constant_values=NONE) for c in columns]
    return canonical(np.stack(padded, axis=axis + 1), shape)


def reshaped(labels: Labels, shape: Sequence[int]) -> Labels:
    """Return the labels of the same elements in the same order under another shape."""
    ids = labels.ids
    lengths: list[int] = []
    groups: list[tuple[list[int], list[int]]] = _matching_axes(labels.shape, shape)
    expand = [axis for old, _ in groups for axis in old if any(labels.varies(other) for other in old)]
    ids = labels.expanded(expand)
    for old, new in groups:
        varies = any(labels.varies(axis) for axis in old)
        lengths += [shape[axis] if varies else 1 for axis in new]
    return canonical(ids.reshape(len(ids), *lengths), shape)


def _matching_axes(old: Sequence[int], new: Sequence[int]) -> list[tuple[list[int], list[int]]]:
    """Return the smallest runs of axes of `old` and `new` that hold the same number of elements."""
    if 0 in old or 0 in new:
        return [(list(range(len(old))), list(range(len(new))))]
    groups: list[tuple[list[int], list[int]]] = []
    i = j = 0
    while i < len(old) or j < len(new):
        left, right = [i] if i < len(old) else [], [j] if j < len(new) else []
        i, j = i + len(left), j + len(right)
        sizes = math.prod(old[a] for a in left), math.prod(new[b] for b in right)
        while sizes[0] != sizes[1]:
            if sizes[0] < sizes[1]:
                left.append(i)
                i += 1
            else:
                right.append(j)
                j += 1
            sizes = math.prod(old[a] for a in left), math.prod(new[b] for b in right)
        groups.append((left, right))
    return groups
