"""Receptive fields, followed through the operations that a network executes.

Nothing is known here about any network or module: a dispatch mode sees each operation (`aten::convolution`,
`aten::cat`, `aten::view` ...) with its tensors, and notes for each tensor which dimension is which axis of the clip,
and which interval of that axis a value depends on. An operation that the rules do not know makes what it touches
unbounded, so that a finite receptive field is never too small.

The arithmetic of kernels and strides is that of Araujo, Norris & Sim, "Computing receptive fields of convolutional
neural networks" (Distill 2019), with intervals in place of sizes, so that branches with different paddings unite
exactly.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace

AXES = 3
"""Axes of a clip: t, h, w."""

Interval = tuple[float, float]
EVERYWHERE: Interval = (-math.inf, math.inf)


@dataclass(frozen=True, slots=True)
class Factor:
    """Part of a tensor's dimension: `size` values, `step` px apart along an axis of the clip, or along none."""

    size: int
    axis: int | None = None
    step: float = 1.0


Dim = tuple[Factor, ...]
"""A dimension as the factors that were merged into it, the slowest first."""


@dataclass(frozen=True, slots=True)
class Field:
    """What is known of a tensor: its dimensions, and per axis the interval that its values depend on.

    The value at position `i` of a factor depends on `[i * step + low, i * step + high]` of the factor's axis. An
    interval is None where nothing of the clip has entered yet.
    """

    dims: tuple[Dim, ...]
    spans: tuple[Interval | None, ...]

    @property
    def extent(self) -> tuple[int, ...] | None:
        """Receptive field `t h w` in px; None when an axis is unbounded."""
        sizes = [0.0 if span is None else span[1] - span[0] for span in self.spans]
        return None if any(map(math.isinf, sizes)) else tuple(math.ceil(size - 1e-6) + 1 for size in sizes)

    def moved(self, axis: int, low: float, high: float) -> Field:
        """Return the field with an axis' interval moved by `low` and `high` px at its ends."""
        spans = list(self.spans)
        span = spans[axis]
        spans[axis] = (low, high) if span is None else (span[0] + low, span[1] + high)
        return replace(self, spans=tuple(spans))

    def unbounded(self, axes: Iterable[int]) -> Field:
        """Return the field with these axes depending on everything."""
        gone = set(axes)
        spans = tuple(EVERYWHERE if axis in gone else span for axis, span in enumerate(self.spans))
        return replace(self, spans=spans)

    def with_dim(self, index: int, dim: Dim) -> Field:
        """Return the field with another dimension at `index`."""
        dims = list(self.dims)
        dims[index] = dim
        return replace(self, dims=tuple(dims))


def clip_field(shape: Sequence[int]) -> Field:
    """Return the field of a clip `N C T H W`, or of a picture `N C H W`, itself."""
    axes = range(AXES - (len(shape) - 2), AXES)
    dims = [plain(shape[0]), plain(shape[1])]
    dims += [(Factor(size, axis),) for size, axis in zip(shape[2:], axes, strict=True)]
    return Field(tuple(dims), ((0.0, 0.0),) * AXES)


def plain(size: int) -> Dim:
    """Return a dimension that is no axis of the clip."""
    return (Factor(int(size)),)


def axes_of(dim: Dim) -> set[int]:
    """Return the axes that a dimension holds."""
    return {factor.axis for factor in dim if factor.axis is not None}


def size_of(dim: Dim) -> int:
    """Return the number of values along a dimension."""
    return math.prod(factor.size for factor in dim)


def forget(field: Field, shape: Sequence[int]) -> Field:
    """Return the field of a tensor of which nothing is known but its shape and what it may depend on."""
    touched = [axis for axis, span in enumerate(field.spans) if span is not None]
    return Field(tuple(plain(size) for size in shape), field.spans).unbounded(touched)


def slide(field: Field, index: int, window: Callable[[float], tuple[float, float, float]], size: int) -> Field:
    """Move a window along a dimension: a convolution, a pool, padding, a slice or an enlargement.

    `window(step)` gives how far the interval's ends move, in px, and the new step; `size` is the new size.
    """
    dim = field.dims[index]
    if not axes_of(dim):
        return field.with_dim(index, plain(size))
    if len(dim) > 1:
        if window(1.0) == (0.0, 0.0, 1.0) and size == size_of(dim):
            return field
        return field.unbounded(axes_of(dim)).with_dim(index, plain(size))
    (factor,) = dim
    assert factor.axis is not None  # axes_of(dim) is not empty
    low, high, step = window(factor.step)
    return field.moved(factor.axis, low, high).with_dim(index, (Factor(size, factor.axis, step),))


def gather(field: Field, index: int, size: int = 1) -> Field:
    """Combine all values along a dimension whose length is fixed by weights (channels): their extent is finite."""
    for factor in field.dims[index]:
        if factor.axis is not None:
            field = field.moved(factor.axis, 0.0, (factor.size - 1) * factor.step)
    return field.with_dim(index, plain(size))


def pool_everything(field: Field, index: int, size: int = 1) -> Field:
    """Combine all values along a dimension, however many there are: its axes become unbounded."""
    return field.unbounded(axes_of(field.dims[index])).with_dim(index, plain(size))


def unite(fields: Sequence[Field], shape: Sequence[int]) -> Field:
    """Return the field of an element-wise combination that has `shape` (with broadcasting)."""
    lost: set[int] = set()
    dims: list[Dim] = []
    for place in range(-len(shape), 0):
        found = [field.dims[place] for field in fields if len(field.dims) >= -place]
        spatial = [dim for dim in found if axes_of(dim)]
        fitting = [dim for dim in spatial if size_of(dim) == shape[place]]
        for dim in spatial:
            if dim != (fitting or [dim])[0] or dim not in fitting:  # broadcast along an axis, or another grid
                lost |= axes_of(dim)
        dims.append(fitting[0] if fitting else plain(shape[place]))
    return Field(tuple(dims), unite_spans(field.spans for field in fields)).unbounded(lost)


def unite_spans(all_spans: Iterable[tuple[Interval | None, ...]]) -> tuple[Interval | None, ...]:
    """Return the smallest intervals that hold all given ones, axis by axis."""
    united: list[Interval | None] = []
    for spans in zip(*all_spans, strict=True):
        known = [span for span in spans if span is not None]
        united.append((min(low for low, _ in known), max(high for _, high in known)) if known else None)
    return tuple(united)


def regroup(field: Field, shape: Sequence[int]) -> Field:
    """Return the field of the same values, in the same order, under another shape (a view)."""
    waiting = [factor for dim in field.dims for factor in dim if factor.size != 1 or factor.axis is not None]
    dims: list[Dim] = []
    for place, size in enumerate(shape):
        taken: list[Factor] = []
        room = size
        while room > 1:
            while waiting and waiting[0].size == 1:
                waiting.pop(0)
            part = _split(waiting, room)
            if part is None:
                return forget(field, shape)
            room //= part.size
            taken.append(part)
        # A dimension of size 1 keeps its axis, unless the dimensions still to fill need none of what waits.
        if size == 1 and waiting and waiting[0].size == 1 and waiting[0].axis is not None and place > 0:
            taken.append(waiting.pop(0))
        dims.append(_joined(taken) or plain(size))
    return replace(field, dims=tuple(dims))


def _split(waiting: list[Factor], room: int) -> Factor | None:
    """Take from the front of `waiting` a factor that fits into `room`, splitting it when it is larger."""
    if not waiting:
        return None
    first = waiting.pop(0)
    if room % first.size == 0:
        return first
    if first.size % room:
        return None
    inner = first.size // room
    waiting.insert(0, Factor(inner, first.axis, first.step))
    return Factor(room, first.axis, first.step * inner)


def _joined(factors: Sequence[Factor]) -> Dim:
    """Join neighbouring factors that continue each other."""
    joined: list[Factor] = []
    for factor in factors:
        last = joined[-1] if joined else None
        if last is not None and last.axis is None and factor.axis is None:
            joined[-1] = Factor(last.size * factor.size)
        elif last is not None and last.axis == factor.axis and last.step == factor.step * factor.size:
            joined[-1] = Factor(last.size * factor.size, factor.axis, factor.step)
        else:
            joined.append(factor)
    return tuple(joined)
