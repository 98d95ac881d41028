"""Kernels to compare a pathway's with: of the same layer, as active, and none of the pathway's own."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

STRATA = 4
"""Groups of a layer's kernels by their activation, at most; a control is of its kernel's own group."""

LEAST_WAYS = 20
"""Ways to choose those in question among them and their controls, at least: with fewer no exchange reaches p 5%."""

Indices = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Controls:
    """The kernels of one layer that are compared, and what they are compared with.

    `groups` are, per group of like activation, the pathway's kernels and those that are not kept, of which there are
    as many at least.
    """

    groups: tuple[tuple[Indices, Indices], ...]

    @property
    def facing(self) -> Indices:
        """The pathway's kernels that are compared: all, or the most relevant ones where too few others are left."""
        return np.concatenate([own for own, _ in self.groups])

    @property
    def ways(self) -> int:
        """How many choices of as many kernels there are."""
        return math.prod(math.comb(len(own) + len(spare), len(own)) for own, spare in self.groups)

    def apart(self, generator: np.random.Generator) -> Indices:
        """Return as many kernels of each group, none of the pathway's, drawn without replacement."""
        return np.concatenate([generator.choice(spare, len(own), replace=False) for own, spare in self.groups])

    def exchanged(self, generator: np.random.Generator) -> Indices:
        """Return as many kernels of each group, the pathway's and their controls drawn alike.

        If the pathway were as good as any other choice, this would be one like it: only such draws make an exact p.
        Draws apart from the pathway share kernels with one another, and differ less than a chance pathway from them.
        """
        return np.concatenate(
            [generator.choice(np.concatenate([own, spare]), len(own), replace=False) for own, spare in self.groups]
        )


def controls(kept: Sequence[int], activation: NDArray[np.floating], relevance: NDArray[np.floating]) -> Controls | None:
    """Return the controls of a layer with the mean activations and relevances K; None where it is kept (nearly) whole.

    The layer is divided by log activation into as many groups as leave one other kernel in each for every kept one.
    Where even the undivided layer has fewer, so many of the kept kernels are compared as there are others.
    """
    own = sorted(set(kept), key=lambda kernel: (-float(relevance[kernel]), kernel))
    size = np.abs(np.asarray(activation, np.float64))
    order = np.argsort(np.log(size + 1e-6 * (size.max() or 1.0)), kind="stable").tolist()
    for parts in range(STRATA, 0, -1):
        divided = [_divided(group.tolist(), own) for group in np.array_split(np.array(order, np.int64), parts)]
        found = Controls(tuple(group for group in divided if len(group[0])))
        if all(len(spare) >= len(inside) for inside, spare in divided) and found.ways >= LEAST_WAYS:
            return found
    _, spare = _divided(order, own)
    found = Controls(((np.array(own[: len(spare)], np.int64), spare),))
    return found if found.ways >= LEAST_WAYS else None


def _divided(group: Sequence[int], kept: Sequence[int]) -> tuple[Indices, Indices]:
    """Return the kernels of a group that are kept, and the others."""
    inside = set(kept)
    return (
        np.array([kernel for kernel in group if kernel in inside], np.int64),
        np.array([kernel for kernel in group if kernel not in inside], np.int64),
    )
