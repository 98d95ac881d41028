"""How an optimisation is paced: its levels, its learning rate, and when a sample has arrived."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

WARM_UP = 5
WINDOW = 20
SMALL_GAIN = 1e-3


@dataclass(frozen=True)
class Level:
    """A stretch of the optimisation with one clip shape (T, H, W) and one precision.

    A level of exploration runs at the full learning rate, at most `steps` long; with `stops_early` it ends for a
    sample whose activation no longer rises. A level that `cools` lowers the rate to a twentieth over its steps.
    """

    shape: tuple[int, int, int]
    steps: int
    reduced_precision: bool = False
    stops_early: bool = True
    cools: bool = False

    def rate(self, step: int) -> float:
        """Return the learning rate of a step of this level, relative to the base rate."""
        if self.cools:
            return 0.05 + 0.95 * 0.5 * (1 + math.cos(math.pi * (step + 1) / self.steps))
        return min(1.0, (step + 1) / WARM_UP)


def arrived(curve: Sequence[float]) -> bool:
    """Return whether the mean of the last 20 values gained less than 0.1% over that of the 20 before.

    Single values are noisy, since each step sees another random view.
    """
    if len(curve) < 2 * WINDOW:
        return False
    last = sum(curve[-WINDOW:]) / WINDOW
    before = sum(curve[-2 * WINDOW : -WINDOW]) / WINDOW
    return last - before < SMALL_GAIN * abs(before)


def levels(
    shape: tuple[int, int, int],
    steps: int,
    *,
    small: tuple[int, int, int] | None = None,
    early_stop: bool = True,
    reduced_precision: bool = False,
) -> tuple[Level, ...]:
    """Return the levels of an optimisation of at most `steps` steps: three quarters explore, the rest cools down.

    With a `small` shape the exploration runs on clips of that size, which then tile the whole `shape`. The cool-down
    always runs on the whole and in full precision.
    """
    cooling = max(1, steps // 4)
    exploring = steps - cooling
    cool = Level(shape, cooling, stops_early=False, cools=True)
    if not exploring:
        return (cool,)
    return (Level(small or shape, exploring, reduced_precision=reduced_precision, stops_early=early_stop), cool)


def small_shape(
    shape: tuple[int, int, int], reach: Sequence[int], strides: Sequence[int]
) -> tuple[int, int, int] | None:
    """Return a part of the clip to explore on, or None when it would not be much smaller than the clip.

    Along each axis it is the clip's size divided by the largest power of two that leaves room for what one unit
    sees (`reach`), for at least 4 frames and 16 px, and for whole steps of the layer's stride.
    """
    sizes = []
    for size, seen, stride, least in zip(shape, reach, strides, (4, 16, 16), strict=True):
        part = size
        while part % 2 == 0 and part // 2 >= max(seen, least) and part // 2 % stride == 0:
            part //= 2
        sizes.append(part)
    small = (sizes[0], sizes[1], sizes[2])
    return small if 2 * math.prod(small) <= math.prod(shape) else None
