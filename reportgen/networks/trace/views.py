"""Rearrangements of a tensor's elements: how a view reads its base, and what writing to it does to the base."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np

from reportgen.networks.trace.traced import D


class View(Protocol):
    """One rearrangement."""

    def read(self, base: D) -> D:
        """Return what is known of the view's elements."""
        ...

    def write(self, base: D, view: D) -> D:
        """Return what is known of the base's elements after the view was overwritten (an in-place operation)."""
        ...


@dataclass(frozen=True)
class Reshape:
    """The same elements in the same order: view, flatten, squeeze, unsqueeze, detach."""

    shape: tuple[int, ...]

    def read(self, base: D) -> D:
        """Return what is known of the view's elements."""
        return base.reshaped(self.shape)

    def write(self, base: D, view: D) -> D:
        """Return what is known of the base's elements after the view was overwritten."""
        return view.reshaped(base.shape)


@dataclass(frozen=True)
class Permute:
    """Axis i of the view is axis `order[i]` of the base."""

    order: tuple[int, ...]

    def read(self, base: D) -> D:
        """Return what is known of the view's elements."""
        return base.permuted(self.order)

    def write(self, base: D, view: D) -> D:  # noqa: ARG002 (all of the base is overwritten)
        """Return what is known of the base's elements after the view was overwritten."""
        return view.permuted([int(i) for i in np.argsort(self.order)])


@dataclass(frozen=True)
class Slice:
    """`length` positions of one axis from `start` on, `step` apart."""

    axis: int
    start: int
    length: int
    step: int = 1

    def read(self, base: D) -> D:
        """Return what is known of the view's elements."""
        return base.sliced(self.axis, self.start, self.length, self.step)

    def write(self, base: D, view: D) -> D:
        """Return what is known of the base's elements after the view was overwritten."""
        return base.overwritten(self.axis, self.start, self.step, view)


@dataclass(frozen=True)
class Select:
    """One position of one axis, which the view does not have."""

    axis: int
    position: int

    def read(self, base: D) -> D:
        """Return what is known of the view's elements."""
        kept = base.sliced(self.axis, self.position, 1)
        return kept.reshaped(kept.shape[: self.axis] + kept.shape[self.axis + 1 :])

    def write(self, base: D, view: D) -> D:
        """Return what is known of the base's elements after the view was overwritten."""
        shape = (*view.shape[: self.axis], 1, *view.shape[self.axis :])
        return base.overwritten(self.axis, self.position, 1, view.reshaped(shape))


@dataclass(frozen=True)
class Expand:
    """Axes repeated without copying; the same element serves several positions."""

    shape: tuple[int, ...]

    def read(self, base: D) -> D:
        """Return what is known of the view's elements."""
        return base.broadcast(self.shape)

    def write(self, base: D, view: D) -> D:  # noqa: ARG002 (torch refuses to write here as well)
        """Return what is known of the base's elements after the view was overwritten."""
        return base
