"""Rearrangements of a tensor's elements, applied to labels: how a view reads its base, and writes back into it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np

from reportgen.networks.trace.labels import NONE, Labels, canonical, reshaped


class View(Protocol):
    """One rearrangement."""

    def read(self, base: Labels) -> Labels:
        """Return the view's labels."""
        ...

    def write(self, base: Labels, view: Labels) -> Labels:
        """Return the base's labels after the view was overwritten (an in-place operation)."""
        ...


@dataclass(frozen=True)
class Reshape:
    """The same elements in the same order: view, flatten, squeeze, unsqueeze, detach."""

    shape: tuple[int, ...]

    def read(self, base: Labels) -> Labels:
        """Return the view's labels."""
        return reshaped(base, self.shape)

    def write(self, base: Labels, view: Labels) -> Labels:
        """Return the base's labels after the view was overwritten."""
        return reshaped(view, base.shape)


@dataclass(frozen=True)
class Permute:
    """Axis i of the view is axis `order[i]` of the base."""

    order: tuple[int, ...]

    def read(self, base: Labels) -> Labels:
        """Return the view's labels."""
        return _permuted(base, self.order)

    def write(self, base: Labels, view: Labels) -> Labels:  # noqa: ARG002 (all of the base is overwritten)
        """Return the base's labels after the view was overwritten."""
        return _permuted(view, tuple(int(i) for i in np.argsort(self.order)))


def _permuted(labels: Labels, order: tuple[int, ...]) -> Labels:
    ids = labels.ids.transpose(0, *(axis + 1 for axis in order))
    return Labels(ids, tuple(labels.shape[axis] for axis in order))


@dataclass(frozen=True)
class Slice:
    """`length` positions of one axis from `start` on, `step` apart."""

    axis: int
    start: int
    length: int
    step: int = 1

    def _selector(self, rank: int) -> tuple[slice, ...]:
        stop = self.start + self.step * (self.length - 1) + 1 if self.length else self.start
        chosen = [slice(None)] * (rank + 1)
        chosen[self.axis + 1] = slice(self.start, stop, self.step)
        return tuple(chosen)

    def read(self, base: Labels) -> Labels:
        """Return the view's labels."""
        shape = list(base.shape)
        shape[self.axis] = self.length
        if not base.varies(self.axis):
            return Labels(base.ids, tuple(shape))
        return canonical(base.ids[self._selector(len(shape))], shape)

    def write(self, base: Labels, view: Labels) -> Labels:
        """Return the base's labels after the view was overwritten."""
        if self.length == base.shape[self.axis] and self.step == 1:
            return Labels(view.ids, base.shape)
        axes = [self.axis, *(axis for axis in range(len(base.shape)) if view.varies(axis))]
        below = base.expanded(axes)
        above = view.ids
        written = np.full((max(len(below), len(above)), *below.shape[1:]), NONE, np.int32)
        written[: len(below)] = below
        chosen = self._selector(len(base.shape))
        written[chosen] = NONE
        written[: len(above)][chosen] = above
        return canonical(written, base.shape)


@dataclass(frozen=True)
class Select:
    """One position of one axis, which the view does not have."""

    axis: int
    position: int

    def read(self, base: Labels) -> Labels:
        """Return the view's labels."""
        kept = Slice(self.axis, self.position, 1).read(base)
        shape = kept.shape[: self.axis] + kept.shape[self.axis + 1 :]
        return Labels(kept.ids.squeeze(self.axis + 1), shape)

    def write(self, base: Labels, view: Labels) -> Labels:
        """Return the base's labels after the view was overwritten."""
        shape = (*view.shape[: self.axis], 1, *view.shape[self.axis :])
        return Slice(self.axis, self.position, 1).write(base, Labels(np.expand_dims(view.ids, self.axis + 1), shape))


@dataclass(frozen=True)
class Expand:
    """Axes repeated without copying; the same element serves several positions."""

    shape: tuple[int, ...]

    def read(self, base: Labels) -> Labels:
        """Return the view's labels."""
        missing = len(self.shape) - len(base.shape)
        ids = base.ids.reshape(len(base.ids), *([1] * missing), *base.ids.shape[1:])
        return Labels(ids, self.shape)

    def write(self, base: Labels, view: Labels) -> Labels:  # noqa: ARG002 (torch refuses to write here as well)
        """Return the base's labels after the view was overwritten."""
        return base
