"""Which elements of a tensor masks leave to the clip, and the union of what the left ones see.

An element that a mask fills is one and the same constant whatever the clip: it sees nothing, and where the constant is
0 (behind a softmax, where it was -inf) a product with it reads nothing of its other factor either. So attention with a
mask sees what its queries are allowed to, and not all of the clip.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from reportgen.networks.trace.bounds import Bounds
from reportgen.networks.trace.cells import matching_axes, resized, shortest

LARGEST = 20_000_000
"""So many numbers are written out at most: what would take more is given up."""

MaskedBy = Literal["lowest", "zero", "other", "unsure"]
"""What masked elements are: as good as -inf to a softmax, 0, some other number, or a number that is not known."""


@dataclass(frozen=True, eq=False)
class Unmasked:
    """For a tensor of `shape` the elements that are not masked, and the `constant` that the masked ones are.

    `cells` (d_1 ... d_n) is written out only along the axes on which it differs, and None where a mask takes part
    whose values are not known.
    """

    cells: NDArray[np.bool_] | None
    shape: tuple[int, ...]
    constant: MaskedBy

    def _like(self, cells: NDArray[np.bool_], shape: Sequence[int]) -> Unmasked:
        return replace(self, cells=shortest(cells[None])[0], shape=tuple(shape))

    def of(self, constant: MaskedBy) -> Unmasked:
        """Return the same with another constant in the masked elements."""
        return replace(self, constant=constant)

    def varies(self, axis: int) -> bool:
        """Whether the elements of an axis differ in that some of them are masked."""
        return self.cells is not None and self.cells.shape[axis] > 1

    def reshaped(self, shape: Sequence[int]) -> Unmasked:
        """Return the same elements in the same order under another shape."""
        if self.cells is None:
            return replace(self, shape=tuple(shape))
        lengths, written = [], list(self.cells.shape)
        for old, new in matching_axes(self.shape, shape):
            varies = any(self.varies(axis) for axis in old)
            for axis in old if varies else ():
                written[axis] = self.shape[axis]
            lengths += [shape[axis] if varies else 1 for axis in new]
        if math.prod(written) > LARGEST:
            return replace(self, cells=None, shape=tuple(shape))
        return self._like(np.broadcast_to(self.cells, written).reshape(lengths), shape)

    def permuted(self, order: Sequence[int]) -> Unmasked:
        """Return the elements with axis i where axis `order[i]` was."""
        shape = tuple(self.shape[axis] for axis in order)
        return replace(self, cells=None if self.cells is None else self.cells.transpose(order), shape=shape)

    def sliced(self, axis: int, start: int, length: int, step: int = 1) -> Unmasked:
        """Return `length` positions of an axis from `start` on, `step` apart."""
        return self.taken(axis, np.arange(length) * step + start)

    def taken(self, axis: int, positions: NDArray[np.int64]) -> Unmasked:
        """Return the elements at these positions of an axis."""
        shape = resized(self.shape, axis, len(positions))
        if self.cells is None or not self.varies(axis):
            return replace(self, shape=shape)
        return self._like(self.cells.take(positions, axis=axis), shape)

    def flipped(self, axes: Sequence[int]) -> Unmasked:
        """Return the elements with axes turned round."""
        turned = tuple(axis % len(self.shape) for axis in axes)
        return self if self.cells is None else replace(self, cells=np.flip(self.cells, turned))

    def broadcast(self, shape: Sequence[int]) -> Unmasked:
        """Return the elements repeated along axes of one position and along new ones in front."""
        missing = len(shape) - len(self.shape)
        cells = None if self.cells is None else self.cells.reshape(*([1] * missing), *self.cells.shape)
        return replace(self, cells=cells, shape=tuple(shape))

    @classmethod
    def whole(cls, shape: Sequence[int]) -> Unmasked:
        """Return what is kept where nothing is masked."""
        return cls(np.ones((1,) * len(shape), np.bool_), tuple(shape), "unsure")

    @classmethod
    def none(cls, shape: Sequence[int], constant: MaskedBy) -> Unmasked:
        """Return what is kept where everything is masked: of a constant."""
        return cls(np.zeros((1,) * len(shape), np.bool_), tuple(shape), constant)

    @classmethod
    def concatenated(cls, parts: Sequence[Unmasked], axis: int, shape: Sequence[int]) -> Unmasked:
        """Return what is kept of parts one behind the other along an axis."""
        masked = {part.constant for part in parts if part.cells is None or not part.cells.all()}
        constant = masked.pop() if len(masked) == 1 else "unsure"
        known = [part.cells for part in parts if part.cells is not None]
        lengths = list(np.broadcast_shapes(*(tuple(n for a, n in enumerate(c.shape) if a != axis) for c in known)))
        lengths.insert(axis, shape[axis])
        if len(known) < len(parts) or math.prod(lengths) > LARGEST:
            return cls(None, tuple(shape), constant)
        blocks = []
        for cells, part in zip(known, parts, strict=True):
            blocks.append(np.broadcast_to(cells, (*lengths[:axis], part.shape[axis], *lengths[axis + 1 :])))
        return parts[0]._like(np.concatenate(blocks, axis), shape).of(constant)

    def joined(self, other: Unmasked, *, both: bool, constant: MaskedBy) -> Unmasked:
        """Return what is kept of `both` of two tensors of one shape, or of either."""
        if self.cells is None or other.cells is None:
            return Unmasked(None, self.shape, constant)
        if math.prod(np.broadcast_shapes(self.cells.shape, other.cells.shape)) > LARGEST:
            return Unmasked(None, self.shape, constant)
        return self._like(self.cells & other.cells if both else self.cells | other.cells, self.shape).of(constant)


def union_of_kept(term: Bounds, kept: Unmasked, axes: Sequence[int], *, fixed: bool = False) -> list[Bounds]:
    """Return the union, along `axes`, of what the kept elements see: one term, or two.

    An element that is left all of them sees all of the clip, where they do so together. So it is told of where every
    element is left more than the one before, or less, as in a causal mask; otherwise the mask may be a band that is
    wider than this clip.
    """
    whole = term.merged(axes, fixed=fixed)
    if kept.cells is None:
        return [_doubted(whole, term)]
    full = np.asarray(kept.cells.all(axis=tuple(axes), keepdims=True))
    part = None if full.all() else _union(term, kept.cells, axes)
    everywhere = np.isneginf(whole.cells[0]) & full
    if full.all():
        return [whole]
    if part is None or (everywhere.any() and not _nested(kept.cells, axes)):
        return [whole.unknown(whole.shape)]
    part = replace(part, steps=whole.steps, merges=whole.merges)
    if not everywhere.any():
        return [part]
    ends = np.stack([np.where(everywhere, end, -end) for end in (-np.inf, np.inf)])
    return [part, whole.like(ends.astype(np.float32), whole.shape)]


def only_kept(term: Bounds, kept: Unmasked) -> Bounds | None:
    """Return bounds with nothing in the masked elements; None where it would be too much to write out."""
    assert kept.cells is not None  # asked where a mask is known
    lengths = np.broadcast_shapes(term.cells.shape[1:], kept.cells.shape)
    if math.prod(lengths) > LARGEST:
        return None
    none = np.array([np.inf, -np.inf], np.float32).reshape(2, *(1 for _ in term.shape))
    return term.like(np.where(kept.cells, term.cells, none), term.shape, term.steps)


def _doubted(whole: Bounds, term: Bounds) -> Bounds:
    """Return merged bounds of which an unknown mask may have left out some: what then sees all of it is not known."""
    everywhere = bool(np.isneginf(whole.cells[0]).any()) and not np.isneginf(term.cells[0]).any()
    return whole.unknown(whole.shape) if everywhere else whole


def _nested(kept: NDArray[np.bool_], axes: Sequence[int]) -> bool:
    """Whether the elements, in their order, are left more and more, or less and less."""
    others = [axis for axis, size in enumerate(kept.shape) if size > 1 and axis not in axes]
    if not others:
        return True
    rows = kept.transpose(*others, *(axis for axis in range(kept.ndim) if axis not in others))
    rows = rows.reshape(*(kept.shape[axis] for axis in others[:-1]), kept.shape[others[-1]], -1)
    grows = (rows[..., 1:, :] | ~rows[..., :-1, :]).all(axis=(-2, -1))
    shrinks = (~rows[..., 1:, :] | rows[..., :-1, :]).all(axis=(-2, -1))
    return bool((grows | shrinks).all())


def _union(term: Bounds, kept: NDArray[np.bool_], axes: Sequence[int]) -> Bounds | None:
    """Return the union of what the kept elements see along `axes`, as ends that are seen; None where it is too much."""
    varying = [axis for axis in axes if term.varies(axis)]
    if not varying:
        any_kept = np.asarray(kept.any(axis=tuple(axes), keepdims=True))
        return only_kept(term.merged(axes, fixed=True), Unmasked(any_kept, term.shape, "other"))
    shared = [axis for axis in range(kept.ndim) if axis not in axes and term.varies(axis) and kept.shape[axis] > 1]
    lengths = [max(size, kept.shape[axis]) for axis, size in enumerate(term.cells.shape[1:])]
    found = np.empty((2, *(1 if axis in axes else size for axis, size in enumerate(lengths))), np.float32)
    inner = [lengths[axis] if axis in axes else 1 for axis in range(kept.ndim)]
    if found.size > LARGEST or math.prod(inner) * found.shape[1] > LARGEST:
        return None
    for place in np.ndindex(*(lengths[axis] for axis in shared)):
        chosen: list[Any] = [slice(None)] * kept.ndim
        for axis, at in zip(shared, place, strict=True):
            chosen[axis] = slice(at, at + 1)
        stretches, allowed = term.cells[(slice(None), *chosen)], kept[tuple(chosen)]
        result = _pairs(stretches, allowed, axes, inner)
        if result is None:
            return None
        found[(slice(None), *chosen)] = result
    return term.like(found, [1 if axis in axes else size for axis, size in enumerate(term.shape)])


def _pairs(
    stretches: NDArray[Any], allowed: NDArray[np.bool_], axes: Sequence[int], inner: list[int]
) -> NDArray[Any] | None:
    """Return, for each row of `allowed`, the ends of the stretches that it allows.

    They do not differ along the same axes but those of the union; equal columns of stretches count as one.
    """
    order = [*(axis for axis in range(allowed.ndim) if axis not in axes), *axes]
    outer = order[: len(order) - len(axes)]
    written = [inner[axis] if axis in axes else size for axis, size in enumerate(stretches.shape[1:])]
    columns = np.broadcast_to(stretches, (2, *written)).transpose(0, *(axis + 1 for axis in order))
    columns = columns.reshape(-1, math.prod(inner))
    unequal, which = np.unique(columns, axis=1, return_inverse=True)
    rows = np.broadcast_to(allowed, [inner[axis] if axis in axes else n for axis, n in enumerate(allowed.shape)])
    rows = rows.transpose(order).reshape(-1, math.prod(inner))
    places = len(columns) // 2
    if len(rows) * unequal.size > LARGEST:
        return None
    member = np.zeros((len(which.ravel()), unequal.shape[1]), np.float32)
    member[np.arange(len(member)), which.ravel()] = 1
    reached = (rows.astype(np.float32) @ member) > 0
    low, high = unequal.reshape(2, places, -1)
    first = np.where(reached[:, None], low, np.inf).min(-1)
    last = np.where(reached[:, None], high, -np.inf).max(-1)
    sizes = [[part[axis] for axis in outer] for part in (allowed.shape, stretches.shape[1:])]
    ends = np.stack([first, last]).reshape(2, *sizes[0], *sizes[1])
    lined = [step for place in range(len(outer)) for step in (1 + place, 1 + len(outer) + place)]
    ends = ends.transpose(0, *lined).reshape(2, *(a * b for a, b in zip(*sizes, strict=True)))
    back = np.argsort(order)
    return np.asarray(ends.reshape(*ends.shape, *([1] * len(axes))).transpose(0, *(int(i) + 1 for i in back)))
