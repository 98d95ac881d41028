"""Which stretch of the clip each element of a tensor sees, along one axis of the clip.

The arithmetic of kernels and strides is that of Araujo, Norris & Sim, "Computing receptive fields of convolutional
neural networks" (Distill 2019), done for every position by itself, so that branches with different paddings and the
phases of transposed convolutions unite exactly.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from reportgen.networks.trace.cells import Cells, matching_axes, resized, shortest
from reportgen.networks.trace.rhythm import UNKNOWN_END, in_few_places, rhythm, unrolled_line
from reportgen.networks.trace.traced import NOT_READ, Filling, Windows

_UNKNOWN = UNKNOWN_END


@dataclass(frozen=True, eq=False)
class Bounds(Cells):
    """The first and the last position of a clip's axis of `size` positions that each element depends on.

    `cells` is (2, d_1 ... d_n). (-inf, inf) stands for the whole clip, however large; (inf, -inf) for none of it.
    `steps` holds per axis of the tensor how many positions of the clip neighbours are apart, where that is one number:
    an axis of one position cannot show it. `merges` counts how often elements were given what others beside them see
    as well: a unit stands at what it sees by itself, and not in the middle of a window that it attends to.
    """

    size: int = 1
    steps: tuple[float | None, ...] = ()
    merges: int = 0

    @property
    def sourceless(self) -> bool:
        """Whether no element depends on the clip."""
        return bool((self.cells[0] > self.cells[1]).all())

    @property
    def placed(self) -> bool:
        """Whether some element depends on a known stretch, and not on all of the clip or on nobody knows what."""
        return bool(((self.cells[0] > -_UNKNOWN) & (self.cells[0] <= self.cells[1])).any())

    def like(self, cells: NDArray[Any], shape: Sequence[int], steps: Sequence[float | None] = ()) -> Bounds:
        """Return bounds in their shortest form."""
        kept = tuple(steps) or (None,) * len(shape)
        return replace(self, cells=shortest(cells), shape=tuple(shape), steps=kept)

    def constant(self, low: float, high: float, shape: Sequence[int]) -> Bounds:
        """Return the same bounds for every element of a tensor of `shape`, on this axis of the clip."""
        cells = np.array([low, high], np.float32).reshape(2, *(1 for _ in shape))
        return self.like(cells, shape)

    def unknown(self, shape: Sequence[int]) -> Bounds:
        """Return the bounds of elements of which nothing is known but that they depend on the clip."""
        return self.constant(-_UNKNOWN, _UNKNOWN, shape)

    def blank(self, lengths: Sequence[int]) -> NDArray[Any]:
        """Return cells that see nothing, (2, *lengths)."""
        cells = np.empty((2, *lengths), np.float32)
        cells[0], cells[1] = np.inf, -np.inf
        return cells

    def reduced(self, cells: NDArray[Any], axis: int) -> NDArray[Any]:
        """Return the union along one axis of an array of bounds, which goes."""
        return np.stack([cells[0].min(axis=axis - 1), cells[1].max(axis=axis - 1)])

    def joined(self, other: Bounds) -> Bounds:
        """Return the union with other bounds for the same elements.

        One place that sees all of the clip because places are added up that see a part of it (a loop over frames) sees
        it however large it is.
        """
        cells = np.stack([np.minimum(self.cells[0], other.cells[0]), np.maximum(self.cells[1], other.cells[1])])
        steps = [a if a is not None else b for a, b in zip(self.steps, other.steps, strict=True)]
        joined = replace(self.like(cells, self.shape, steps), merges=min(self.merges, other.merges))
        if joined.cells.size == 2 and self.size > 2 and joined._covers and not (self._covers or other._covers):
            return joined if any(step is not None for step in steps) else self.constant(-np.inf, np.inf, self.shape)
        return joined

    @property
    def _covers(self) -> bool:
        """Whether every element sees all of the clip as it is, by known ends."""
        low, high = self.cells
        return bool(((low > -_UNKNOWN) & (low <= 0) & (high < _UNKNOWN) & (high >= self.size - 1)).all())

    def reshaped(self, shape: Sequence[int]) -> Bounds:
        """Return the same elements in the same order under another shape."""
        if tuple(shape) == self.shape:
            return self
        steps: list[float | None] = [None] * len(shape)
        for old, new in matching_axes(self.shape, shape):
            known = [axis for axis in old if self.steps[axis] is not None]
            fitting = [axis for axis in new if known and shape[axis] == self.shape[known[0]]]
            if len(known) == len(fitting) == 1:
                steps[fitting[0]] = self.steps[known[0]]
        lengthened = super().reshaped(shape)
        return replace(lengthened, steps=tuple(steps))

    def permuted(self, order: Sequence[int]) -> Bounds:
        """Return the elements with axis i where axis `order[i]` was."""
        return replace(super().permuted(order), steps=tuple(self.steps[axis] for axis in order))

    def sliced(self, axis: int, start: int, length: int, step: int = 1) -> Bounds:
        """Return `length` positions of an axis from `start` on, `step` apart."""
        return replace(super().sliced(axis, start, length, step), steps=self._stepping(axis, step))

    def overwritten(self, axis: int, start: int, step: int, part: Bounds) -> Bounds:
        """Return the elements after `part` was written over a slice along an axis."""
        return super().overwritten(axis, start, step, part).unrolled(axis)

    def taken(self, axis: int, positions: NDArray[np.int64]) -> Bounds:
        """Return the elements at these positions of an axis."""
        return super().taken(axis, positions).unrolled(axis)

    def unrolled(self, axis: int) -> Bounds:
        """Return the bounds with what comes round from the clip's other end placed as if the clip went on there.

        So circular padding, and shifts that are put together from slices, are told as `rolled` tells a shift.
        """
        if not self.varies(axis):
            return self
        lines = np.moveaxis(self.cells, axis + 1, 1).reshape(2, self.shape[axis], -1)
        told = np.abs(lines[0]) < _UNKNOWN
        rising = np.diff(np.where(told, lines[0], 0), axis=0)[told[1:] & told[:-1]]
        if not (rising.size and rising.min() < 0 < rising.max()):
            return self
        columns, which = np.unique(lines.reshape(-1, lines.shape[2]), axis=1, return_inverse=True)
        straight = [unrolled_line(column.reshape(2, -1), self.size) for column in columns.T]
        found = np.stack(straight, axis=2)[:, :, which.reshape(-1)]
        others = [size for place, size in enumerate(self.cells.shape[1:]) if place != axis]
        cells = np.moveaxis(found.reshape(2, self.shape[axis], *others), 1, axis + 1)
        return self.like(cells, self.shape, self.steps)

    def flipped(self, axes: Sequence[int]) -> Bounds:
        """Return the elements with axes turned round."""
        turned = {axis % len(self.shape) for axis in axes}
        steps = [-s if s is not None and axis in turned else s for axis, s in enumerate(self.steps)]
        return replace(super().flipped(axes), steps=tuple(steps))

    def rolled(self, axis: int, shift: int) -> Bounds:
        """Return the elements shifted along an axis; at the border, as if the clip went on there.

        Shift modules and shifted windows do so; what comes round from the other end is masked out or reaches the
        border alone. A shift by more than a quarter of the axis, the shorter way round, is no matter of the border:
        each element sees what it is given. So it does where positions do not follow each other evenly, as those of
        windows that reach the clip's end, for it is not known how the clip would go on there.
        """
        size = self.shape[axis]
        shorter = (shift + size // 2) % size - size // 2
        even = rhythm(np.moveaxis(self.cells, axis + 1, 0), self.steps[axis]) is not None
        if in_few_places(abs(shorter), size) and (even or not self.varies(axis)):
            return self.windowed(axis, Windows((np.arange(size) - shorter)[:, None]))
        found = replace(super().taken(axis, np.roll(np.arange(size), shift)), steps=self.steps)
        return found if even else found._within()

    def _within(self) -> Bounds:
        """Return the bounds with what lies behind an end of the clip where it lies on it, a circle away."""
        low, high = self.cells
        told = (np.abs(low) < _UNKNOWN) & (np.abs(high) < _UNKNOWN)
        moved = np.where(told & (low >= self.size), -self.size, np.where(told & (high < 0), self.size, 0))
        return self.like(self.cells + moved.astype(np.float32), self.shape, self.steps)

    def broadcast(self, shape: Sequence[int]) -> Bounds:
        """Return the elements repeated along axes of one position and along new ones in front."""
        if tuple(shape) == self.shape:
            return self
        missing = len(shape) - len(self.shape)
        kept = [
            s if n == shape[missing + axis] else None
            for axis, (s, n) in enumerate(zip(self.steps, self.shape, strict=True))
        ]
        return replace(super().broadcast(shape), steps=(*[None] * missing, *kept))

    def padded(self, axis: int, before: int, after: int, filling: Filling) -> Bounds:  # noqa: ARG002 (as if it went on)
        """Return the elements with more of them at the ends of an axis, as if the clip went on there."""
        reads = np.arange(-before, self.shape[axis] + after)[:, None]
        return self.windowed(axis, Windows(reads))

    def windowed(self, axis: int, windows: Windows) -> Bounds:
        """Return, for each window along an axis, the stretch that it reads.

        Behind the ends of an axis whose positions follow each other evenly the clip counts as going on, so that a
        padding does not shorten what the units at the border see.
        """
        steps = self._stepping(axis, windows.stride)
        shape = resized(self.shape, axis, len(windows.reads))
        lone = self.shape[axis] == 1 and self.steps[axis] is not None
        if not self.varies(axis) and not lone:
            return self.like(self.cells, shape, steps)
        read = windows.reads != NOT_READ
        first = min(0, int(windows.reads[read].min(initial=0)))
        last = max(self.shape[axis] - 1, int(windows.reads[read].max(initial=0)))
        line = self._continued(axis, first, last)
        taken = line.take(np.where(read, windows.reads - first, 0), axis=axis + 1)
        missing = ~read.reshape(*([1] * axis), *read.shape, *([1] * (taken.ndim - axis - 3)))
        taken[0][np.broadcast_to(missing, taken[0].shape)] = np.inf
        taken[1][np.broadcast_to(missing, taken[1].shape)] = -np.inf
        return self.like(self.reduced(taken, axis + 2), shape, steps)

    def _stepping(self, axis: int, stride: float) -> tuple[float | None, ...]:
        return tuple(s * stride if s is not None and a == axis else s for a, s in enumerate(self.steps))

    def _continued(self, axis: int, first: int, last: int) -> NDArray[Any]:
        """Return the cells of the positions `first` to `last` of an axis, some of them outside of it."""
        size = self.shape[axis]
        if first == 0 and last == size - 1:
            return self.cells
        inside = np.moveaxis(self.cells, axis + 1, 0)
        positions = np.arange(first, last + 1)
        found = rhythm(inside, self.steps[axis])
        if found is None:
            outer = np.repeat(self.blank(inside.shape[2:])[None], len(positions), axis=0)
            outer[-first : size - first] = inside
            return np.moveaxis(outer, 0, axis + 1)
        period, shift = found
        moved = (positions // period * shift).reshape(-1, *([1] * (inside.ndim - 1)))
        return np.asarray(np.moveaxis(inside[positions % period] + moved.astype(np.float32), 0, axis + 1))

    def merged(self, axes: Sequence[int], *, fixed: bool = False) -> Bounds:
        """Return the union of all elements along these axes, which become 1.

        What then depends on all of the clip does so however large it is, unless weights set the number of elements.
        """
        mixed = super().merged(axes)
        steps = tuple(None if axis in axes else step for axis, step in enumerate(self.steps))
        follows = any(self.varies(axis) or self.steps[axis] is not None for axis in axes)
        if fixed or not follows:
            return replace(mixed, steps=steps)
        known = (mixed.cells[0] > -_UNKNOWN) & (mixed.cells[1] < _UNKNOWN)
        covered = known & (mixed.cells[0] <= 0) & (mixed.cells[1] >= self.size - 1)
        low = np.where(known & ~covered, np.maximum(mixed.cells[0], 0), mixed.cells[0])  # no padding counts any more
        high = np.where(known & ~covered, np.minimum(mixed.cells[1], self.size - 1), mixed.cells[1])
        cells = np.stack([np.where(covered, -np.inf, low), np.where(covered, np.inf, high)])
        return mixed.like(cells.astype(np.float32), mixed.shape, steps)

    @property
    def extent(self) -> float:
        """How many positions the elements see at most; inf for the whole clip, nan where it is not known.

        What is padded counts, but not at both ends of the clip where elements see as much because of where they stand,
        as those next to the border of maps that are added to their mirror image do.
        """
        sizes = self.cells[1] - self.cells[0] + 1
        largest, least = float(np.max(sizes)), float(np.min(sizes, initial=np.inf, where=sizes > 0))
        if least < self.size < largest < _UNKNOWN:
            largest = self.size
        return float("nan") if np.isfinite(largest) and largest >= _UNKNOWN else max(0.0, largest)

    @classmethod
    def nothing(cls, shape: Sequence[int]) -> Bounds:
        """Return the bounds of a constant."""
        return Bounds(
            np.array([np.inf, -np.inf], np.float32).reshape(2, *(1 for _ in shape)),
            tuple(shape),
            1,
            (None,) * len(shape),
        )

    @classmethod
    def union(cls, parts: Sequence[Bounds], shape: Sequence[int]) -> Bounds:
        """Return the union of several tensors' bounds, broadcast as torch does."""
        found = parts[0].broadcast(shape)
        for part in parts[1:]:
            found = found.joined(part.broadcast(shape))
        return found

    @classmethod
    def concatenated(cls, parts: Sequence[Bounds], axis: int, shape: Sequence[int]) -> Bounds:
        """Return the parts one behind the other along an axis."""
        lengths = [max(part.cells.shape[i] for part in parts) for i in range(1, len(shape) + 1)]
        blocks = []
        for part in parts:
            lengths[axis] = part.shape[axis]
            blocks.append(np.broadcast_to(part.cells, (2, *lengths)))
        steps = {part.steps for part in parts if not part.sourceless}
        joined = parts[0].like(np.concatenate(blocks, axis=axis + 1), shape, steps.pop() if len(steps) == 1 else ())
        return joined.unrolled(axis)
