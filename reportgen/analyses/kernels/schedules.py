"""How an optimisation is paced: its levels, its learning rate, and when a sample has arrived."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

WARM_UP = 5
WINDOW = 20
SMALL_GAIN = 1e-3
_SEAMLESS = 1.6  # how much larger a part may be that tiles the clip without a seam
_MOST_FORGOTTEN = 0.2  # of the clip, at each step
_FORGETTING = 1 / 2  # of a level's steps; then ever less is forgotten
_EXACT = 4  # one in so many steps of a cool-down, its last ones, is taken in full precision


@dataclass(frozen=True)
class Level:
    """A stretch of the optimisation with one clip shape (T, H, W) and one precision.

    A level of exploration runs at the full learning rate, at most `steps` long; with `stops_early` it ends for a
    sample whose activation no longer rises. A level that `cools` lowers the rate to a twentieth over its steps.
    With `prior` high frequencies rise more slowly than low ones. A level that `forgets` takes away a share of the
    clip's patterns at each step, from its middle on less and less, and nothing at its end. A cool-down of two levels,
    which differ in precision alone, is one for its rate: `taken` steps of it lie before the level, `left` behind it.
    """

    shape: tuple[int, int, int]
    steps: int
    reduced_precision: bool = False
    stops_early: bool = True
    cools: bool = False
    prior: bool = True
    forgets: float = 0.0
    taken: int = 0
    left: int = 0

    def rate(self, step: int) -> float:
        """Return the learning rate of a step of this level, relative to the base rate."""
        if self.cools:
            whole = self.taken + self.steps + self.left
            return 0.05 + 0.95 * 0.5 * (1 + math.cos(math.pi * (self.taken + step + 1) / whole))
        return min(1.0, (step + 1) / WARM_UP)

    def kept(self, step: int) -> float:
        """Return the share of the clip that is left of it after a step."""
        return 1 - self.forgets * min(1.0, (1 - step / self.steps) / (1 - _FORGETTING))


def converged(curve: Sequence[float]) -> bool:
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
    cools_small: bool = False,
    early_stop: bool = True,
    reduced_precision: bool = False,
) -> tuple[Level, ...]:
    """Return the levels of an optimisation of at most `steps` steps: three quarters explore, the rest cools down.

    With a `small` shape seven eighths explore, on clips of that size, which then tile the whole `shape`: a step on the
    whole costs many on the small clip, and there is less to mend. What `cools_small` does so for a quarter of these
    steps, and is known before it is tiled. The last cool-down always runs on the whole, and in full precision unless
    `exact_at_last` says otherwise.
    """
    cooling = max(1, steps // (8 if small else 4))
    exploring = steps - cooling
    cool = Level(shape, cooling, stops_early=False, cools=True)
    if not exploring:
        return (cool,)
    explore = Level(small or shape, exploring, reduced_precision=reduced_precision, stops_early=early_stop)
    early = exploring // 4
    if small is None or not cools_small or not early:
        return (explore, cool)
    cools_early = replace(cool, shape=small, steps=early, reduced_precision=reduced_precision)
    return (replace(explore, steps=exploring - early), cools_early, cool)


def on_whole_clips(paced: Sequence[Level]) -> list[Level]:
    """Return the cool-downs of a search's levels that run on whole clips, which are those of the last level."""
    return [level for level in paced if level.cools and level.shape == paced[-1].shape]


def on_small_clips(paced: Sequence[Level]) -> Level | None:
    """Return the cool-down of a search's levels that runs on smaller clips, if any."""
    return next((level for level in paced if level.cools and level.shape != paced[-1].shape), None)


def unbent(paced: Sequence[Level], *, sees_pixels: bool, learning_rate: float) -> tuple[Level, ...]:
    """Return levels in which the prior for natural clips guides the search and does not decide where it ends.

    The cool-down has no prior: low frequencies would rise sooner than what the kernel wants, and a moving pattern would
    be coarser and slower.

    A layer that `sees_pixels` directly needs no guide. It answers to a faint pattern as to a strong one, so that its
    clips may forget a part of themselves at each step: what rises fastest takes the place of what rose first, as in a
    power iteration. Else the patches that begin here and there in the noise would stay a patchwork. Behind a ReLU, a
    pattern that is forgotten falls under the thresholds of the layers before. A deep layer that explores without the
    prior ends in flickering detail that no motion explains, at no more activation.
    """
    forgets = min(learning_rate, _MOST_FORGOTTEN) if sees_pixels else 0.0
    return tuple(
        replace(level, prior=not (level.cools or sees_pixels), forgets=0.0 if level.cools else forgets)
        for level in paced
    )


def exact_at_last(paced: Sequence[Level], *, sees_pixels: bool) -> tuple[Level, ...]:
    """Return levels whose cool-down is in reduced precision too where exploration is, but for its last quarter.

    A step on the whole clip in full precision costs as much as several that explore. Where a layer `sees_pixels` steps
    are cheap, and its patterns are measured to a hundredth of a period: its whole cool-down is exact.
    """
    *early, cool = paced
    exact = -(-cool.steps // _EXACT)
    if sees_pixels or exact == cool.steps or not any(level.reduced_precision for level in early):
        return tuple(paced)
    first = replace(cool, steps=cool.steps - exact, reduced_precision=True, left=exact)
    return (*early, first, replace(cool, steps=exact, taken=first.steps))


def small_shape(
    shape: tuple[int, int, int], reach: Sequence[int], strides: Sequence[int]
) -> tuple[int, int, int] | None:
    """Return a part of the clip to explore on, or None when it would not be much smaller than the clip.

    It holds what one unit sees (`reach`), or half of the clip's side where a unit sees more; at least 8 frames and
    32 px (in less, the padding at its borders would count for too much), and whole steps of the layer's stride. A
    size that divides the clip's, and so tiles it without a seam, is preferred to one up to 1.6 times smaller.
    """
    axes = zip(shape, reach, strides, (8, 32, 32), strict=True)
    return _if_much_smaller([_part(*axis) for axis in axes], shape)


def frame_part(
    shape: tuple[int, int, int], reach: Sequence[int], strides: Sequence[int]
) -> tuple[int, int, int] | None:
    """Return a part of the frame to search on first, all frames of it, or None when it would not be much smaller.

    It is chosen as `small_shape` is, of at least 48 px where a side has twice as many: waves that tile fewer have few
    lengths and directions. Time is not cut, or slow motion would have few speeds.
    """
    axes = zip(shape[1:], reach[1:], strides[1:], strict=True)
    sides = [_part(size, seen, stride, max(32, min(48, -(-size // 2)))) for size, seen, stride in axes]
    return _if_much_smaller([shape[0], *sides], shape)


def _part(size: int, seen: int, stride: int, least: int) -> int:
    needed = max(min(seen, -(-size // 2)), least)
    part = min(size, -(-needed // stride) * stride)
    seamless = next((whole for whole in range(part, size, stride) if size % whole == 0), size)
    return seamless if seamless <= _SEAMLESS * part else part


def _if_much_smaller(sizes: Sequence[int], shape: tuple[int, int, int]) -> tuple[int, int, int] | None:
    small = (sizes[0], sizes[1], sizes[2])
    return small if 2 * math.prod(small) <= math.prod(shape) else None
