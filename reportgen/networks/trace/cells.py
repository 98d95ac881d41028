"""Arrays that hold something of every element of a tensor, written out only along the axes on which it differs."""

from __future__ import annotations

import math
from abc import abstractmethod
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from reportgen.networks.trace.traced import Traced


@dataclass(frozen=True, eq=False)
class Cells(Traced):
    """`cells` (K, d_1 ... d_n) for a tensor of `shape`: K numbers for each element.

    Each d_i is the tensor's size on that axis, or 1 where all elements of the axis have the same numbers.
    """

    cells: NDArray[Any]
    shape: tuple[int, ...]

    @abstractmethod
    def like(self, cells: NDArray[Any], shape: Sequence[int]) -> Self:
        """Return an instance of `cells` brought to their shortest form."""

    @abstractmethod
    def blank(self, lengths: Sequence[int]) -> NDArray[Any]:
        """Return cells of nothing, (K, *lengths)."""

    @abstractmethod
    def reduced(self, cells: NDArray[Any], axis: int) -> NDArray[Any]:
        """Return the union along one axis of an array of cells, which goes."""

    def varies(self, axis: int) -> bool:
        """Whether the elements differ along this axis of the tensor."""
        return bool(self.cells.shape[axis % len(self.shape) + 1] > 1)

    def expanded(self, axes: Iterable[int]) -> NDArray[Any]:
        """Return `cells` with these axes of the tensor written out at their full size."""
        shape = list(self.cells.shape)
        for axis in axes:
            shape[axis + 1] = self.shape[axis]
        return np.broadcast_to(self.cells, shape)

    def reshaped(self, shape: Sequence[int]) -> Self:
        """Return the same elements in the same order under another shape."""
        if tuple(shape) == self.shape:
            return self
        lengths: list[int] = []
        groups = matching_axes(self.shape, shape)
        varying = [any(self.varies(axis) for axis in old) for old, _ in groups]
        cells = self.expanded(
            [axis for (old, _), varies in zip(groups, varying, strict=True) if varies for axis in old]
        )
        for (_, new), varies in zip(groups, varying, strict=True):
            lengths += [shape[axis] if varies else 1 for axis in new]
        return self.like(cells.reshape(len(cells), *lengths), shape)

    def permuted(self, order: Sequence[int]) -> Self:
        """Return the elements with axis i where axis `order[i]` was."""
        cells = self.cells.transpose(0, *(axis + 1 for axis in order))
        return self.like(cells, [self.shape[axis] for axis in order])

    def sliced(self, axis: int, start: int, length: int, step: int = 1) -> Self:
        """Return `length` positions of an axis from `start` on, `step` apart."""
        shape = resized(self.shape, axis, length)
        cells = self.cells[self._selector(axis, start, length, step)] if self.varies(axis) else self.cells
        return self.like(cells, shape)

    def _selector(self, axis: int, start: int, length: int, step: int) -> tuple[slice, ...]:
        stop = start + step * (length - 1) + 1 if length else start
        chosen = [slice(None)] * (len(self.shape) + 1)
        chosen[axis + 1] = slice(start, stop, step)
        return tuple(chosen)

    def overwritten(self, axis: int, start: int, step: int, part: Self) -> Self:
        """Return the elements after `part` was written over a slice along an axis."""
        length = part.shape[axis]
        if length == self.shape[axis] and step == 1:
            return part
        axes = [axis, *(other for other in range(len(self.shape)) if part.varies(other) or self.varies(other))]
        below, above = self.expanded(axes), part.expanded(axes)
        written = self._stacked_depth(below, above)
        written[: len(below)] = below
        chosen = self._selector(axis, start, length, step)
        written[chosen] = self.blank([1] * len(self.shape))
        written[: len(above)][chosen] = above
        return self.like(written, self.shape)

    def _stacked_depth(self, *arrays: NDArray[Any]) -> NDArray[Any]:
        blank = self.blank(arrays[0].shape[1:])
        depth = max(len(array) for array in arrays)
        return np.repeat(blank[:1], depth, axis=0) if depth > len(blank) else blank.copy()

    def flipped(self, axes: Sequence[int]) -> Self:
        """Return the elements with axes turned round."""
        return self.like(np.flip(self.cells, tuple(axis % len(self.shape) + 1 for axis in axes)), self.shape)

    def rolled(self, axis: int, shift: int) -> Self:
        """Return the elements shifted along an axis, in a circle."""
        return self.taken(axis, np.roll(np.arange(self.shape[axis]), shift))

    def taken(self, axis: int, positions: NDArray[np.int64]) -> Self:
        """Return the elements at these positions of an axis."""
        cells = self.cells.take(positions, axis=axis + 1) if self.varies(axis) else self.cells
        return self.like(cells, resized(self.shape, axis, len(positions)))

    def broadcast(self, shape: Sequence[int]) -> Self:
        """Return the elements repeated along axes of one position and along new ones in front."""
        if tuple(shape) == self.shape:
            return self
        missing = len(shape) - len(self.shape)
        return self.like(self.cells.reshape(len(self.cells), *([1] * missing), *self.cells.shape[1:]), shape)

    def merged(self, axes: Sequence[int], *, fixed: bool = False) -> Self:  # noqa: ARG002 (asked of places alone)
        """Return the union of all elements along these axes, which become 1."""
        cells, shape = self.cells, list(self.shape)
        for axis in axes:
            shape[axis] = 1
            if cells.shape[axis + 1] > 1:
                cells = np.expand_dims(self.reduced(cells, axis + 1), axis + 1)
        return self.like(cells, shape)


def resized(shape: Sequence[int], axis: int, size: int) -> tuple[int, ...]:
    """Return a shape with another size along one axis."""
    return (*shape[:axis], size, *shape[axis + 1 :])


def shortest(cells: NDArray[Any]) -> NDArray[Any]:
    """Return cells without the axes along which they do not differ."""
    for axis in range(1, cells.ndim):
        if cells.shape[axis] > 1:
            first = cells.take([0], axis=axis)
            if bool((cells == first).all()):
                cells = first
    return cells


def matching_axes(old: Sequence[int], new: Sequence[int]) -> list[tuple[list[int], list[int]]]:
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
