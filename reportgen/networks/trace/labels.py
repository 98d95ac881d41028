"""Where each element of a tensor comes from: sets of kernels, stored only along the axes on which they differ.

A label is the number of one kernel (or of an input channel, or of a boundary) in the connection graph; `NONE` marks
an element that no kernel can change, such as a zero of a padding. A convolution's output has one label per channel
and the same one at all positions, so a `Labels` of a video activation holds C numbers and not C T H W.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from reportgen.networks.trace.cells import Cells, resized, shortest
from reportgen.networks.trace.traced import Filling, Windows

Ids = NDArray[np.int32]

NONE = -1

MAX_SOURCES = 256
"""An element that would have more sources than this, by an operation other than a kernel, becomes a boundary."""


class Labels(Cells):
    """The source kernels of every element of a tensor.

    `cells` has the shape (K, d_1 ... d_n): up to K sources for each element, in descending order and padded with
    `NONE`.
    """

    @property
    def sourceless(self) -> bool:
        """Whether no kernel can change any element."""
        return bool((self.cells == NONE).all())

    @property
    def crowded(self) -> bool:
        """Whether an element has more sources than are worth telling apart."""
        return len(self.cells) > MAX_SOURCES

    def sources(self) -> Ids:
        """Return all sources of all elements, ascending, each once."""
        found = np.unique(self.cells)
        return np.asarray(found[found != NONE], np.int32)

    def like(self, cells: NDArray[Any], shape: Sequence[int]) -> Labels:
        """Return labels with each source once per element and no axis longer than it need be."""
        if cells.shape[0] > 1:
            cells = _each_once(cells)
        return Labels(np.ascontiguousarray(shortest(cells), dtype=np.int32), tuple(shape))

    def blank(self, lengths: Sequence[int]) -> Ids:
        """Return cells of no kernel, (1, *lengths)."""
        return np.full((1, *lengths), NONE, np.int32)

    def reduced(self, cells: NDArray[Any], axis: int) -> Ids:
        """Return the union along one axis of an array of ids, which goes."""
        pieces = np.moveaxis(cells, axis, 1)
        return _each_once(pieces.reshape(-1, *pieces.shape[2:]))

    def padded(self, axis: int, before: int, after: int, filling: Filling) -> Labels | None:
        """Return the labels of a padding; along the axes of space and time zeros count as their neighbours do."""
        shape = resized(self.shape, axis, self.shape[axis] + before + after)
        if not self.varies(axis) and (axis > 1 or filling == "copies"):
            return Labels(self.cells, shape)
        if filling == "copies" or min(before, after) < 0:
            return None
        edges = [Labels.nothing(resized(self.shape, axis, width)) for width in (before, after)]
        return Labels.concatenated([edges[0], self, edges[1]], axis, shape)

    def windowed(self, axis: int, windows: Windows) -> Labels:
        """Return, for each window along an axis, the union of what it reads; outside there is no kernel."""
        size, shape = self.shape[axis], resized(self.shape, axis, len(windows.reads))
        if not self.varies(axis):
            return Labels(self.cells, shape)
        inside = (windows.reads >= 0) & (windows.reads < size)
        taken = self.cells.take(np.where(inside, windows.reads, 0), axis=axis + 1)
        missing = ~inside.reshape(*([1] * (axis + 1)), *inside.shape, *([1] * (taken.ndim - axis - 3)))
        return self.like(self.reduced(np.where(missing, NONE, taken), axis + 2), shape)

    @classmethod
    def nothing(cls, shape: Sequence[int]) -> Labels:
        """Return the labels of a constant."""
        return everywhere(NONE, shape)

    @classmethod
    def union(cls, parts: Sequence[Labels], shape: Sequence[int]) -> Labels:
        """Return the labels of an element-wise function of several tensors, broadcast as torch does."""
        parts = [part for part in parts if not part.sourceless]
        if not parts:
            return Labels.nothing(shape)
        aligned = [part.broadcast((*[1] * (len(shape) - len(part.shape)), *part.shape)).cells for part in parts]
        if len(aligned) == 1 or all(_same_sources(aligned[0], ids) for ids in aligned[1:]):
            return Labels(aligned[0], tuple(shape))
        widest = np.broadcast_shapes(*(ids.shape[1:] for ids in aligned))
        stacked = np.concatenate([np.broadcast_to(ids, (len(ids), *widest)) for ids in aligned])
        return parts[0].like(stacked, shape)

    @classmethod
    def concatenated(cls, parts: Sequence[Labels], axis: int, shape: Sequence[int]) -> Labels:
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
        return parts[0].like(np.concatenate(blocks, axis=axis + 1), shape)


def everywhere(source: int, shape: Sequence[int]) -> Labels:
    """Return labels that name one source at every element."""
    return Labels(np.full((1, *(1 for _ in shape)), source, np.int32), tuple(shape))


def counted(first: int, axis: int, shape: Sequence[int]) -> Labels:
    """Return labels `first`, `first + 1` ... along one axis: a layer's kernels along its output's channels."""
    lengths = [1] * (len(shape) + 1)
    lengths[axis % len(shape) + 1] = shape[axis]
    ids = np.arange(first, first + shape[axis], dtype=np.int32).reshape(lengths)
    return Labels(ids, tuple(shape))


def _each_once(ids: NDArray[Any]) -> Ids:
    """Return `ids` without repeats along the first axis, in descending order."""
    ordered = np.sort(ids, axis=0)[::-1].copy()
    ordered[1:][ordered[1:] == ordered[:-1]] = NONE
    ordered = np.sort(ordered, axis=0)[::-1]
    used = (ordered != NONE).reshape(len(ordered), -1).any(axis=1)
    return ordered[: max(1, int(used.sum()))]


def _same_sources(first: Ids, second: Ids) -> bool:
    """Whether two canonical id arrays are equal."""
    return first is second or (first.shape == second.shape and bool((first == second).all()))
