"""Clips that what a search has found is held against: it goes on from one that drives the kernel more.

A search climbs to one maximum of many. What its clip is held against follows from that clip and its kernel alone, so
that a kernel's result does not depend on which others are searched beside it.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from torch import Tensor

from reportgen.analyses.kernels.gratings import BINARY, Pattern
from reportgen.analyses.kernels.repeated_pieces import RepeatedPieces
from reportgen.analyses.kernels.schedules import Level, on_small_clips
from reportgen.analyses.kernels.scoring import ClipScoring
from reportgen.analyses.kernels.simple_optima import (
    ON_WHOLE_CLIPS,
    PEAKS,
    Drive,
    RatedPattern,
    Shape,
    SimpleOptima,
    SimpleOptimum,
    rate_of,
)
from reportgen.networks.kernels.preactivation import placement

_SHARE = 0.08  # of the passes of a kernel's search
_PASSES = 3  # forward passes that a step of a search is worth, and so is a filter read off a gradient
_ABOUT = _PASSES + 2 * PEAKS + 1  # passes for the simple patterns about a clip
_ROUNDS = 3  # of rivals that the best of those before leads to
_MARGIN = 0.03  # of the objective: of two clips that are nearly as good either may be shown
_FLIPS = ((1,), (3,), (2,), (2, 3), (1, 3), (1, 2), (1, 2, 3))  # of C T H W
_QUARTERS = (1, 3)
_TURNS = len(_FLIPS) + len(_QUARTERS)
_ROOM = 6.0  # a sigmoid of 6 is 0.998: a search can still leave it


@dataclass(frozen=True)
class Turned:
    """A clip's unbounded `pixels` `C T H W`, turned by so many `quarters` in the frame, then reversed along `axes`."""

    pixels: Tensor
    axes: tuple[int, ...] = ()
    quarters: int = 0

    def drawn(self, shape: Shape) -> Tensor:
        """Return a part of `shape` as unbounded pixels `C T H W`."""
        return self.pixels.rot90(self.quarters, (2, 3)).flip(self.axes)[(slice(None), *map(slice, shape))]


class Rivals:
    """What the clips that a search of `levels` finds are held against, on clips of the `small` shape first.

    It is for deeper layers: a first layer's optima are known from its weights. Rivals are the simple patterns about
    what exploration had found, before the cool-down; and, as many as 8% of a kernel's search are worth, those about
    the clip itself and this clip reversed in time, mirrored and turned by 90 degrees; and behind tubelets or patches
    what a unit sees, over and over (see RepeatedPieces). The best leads to others, those about it and itself turned,
    where these are affordable too or a second cool-down is due anyway. All are held against the clip as it is after
    its cool-down, which may drive the kernel twice as much as before.
    """

    def __init__(self, scoring: ClipScoring, simple: SimpleOptima, levels: Sequence[Level], small: Shape) -> None:
        self.scoring, self.simple, self.small = scoring, simple, small
        self.pieces = RepeatedPieces(scoring, simple, small)
        self.affordable = affordable_rivals(levels, small)

    def explored(self, pixels: Tensor, kernel: int, seed: int) -> list[RatedPattern]:
        """Return the simple patterns about the unbounded `pixels` `1 C T H W` of exploration, rated on small clips.

        Those of a kernel that noise leaves silent, which has been explored through another network than its own, lead
        on to others whatever that costs: they are what its starts are told by, and often what it ends with.
        """
        rated = self.simple.about(self._part(pixels), kernel, seed)
        for _ in range(_ROUNDS if rated and self.scoring.silent[kernel] else 0):
            rate, best = max(rated, key=rate_of)
            drawn = self.simple.shown(best, kernel).drawn(self.small)[None].to(**self._place)
            rated += self.simple.about(drawn, kernel, seed)
            if max(rated, key=rate_of)[0] <= rate:
                break
        return rated

    def best(
        self, found: Tensor, kernel: int, seed: int, explored: Sequence[RatedPattern] = ()
    ) -> SimpleOptimum | None:
        """Return the rival that drives a kernel clearly more than the clip `found` `C T H W`, or None.

        `explored` are the patterns about what it was before its cool-down.
        """
        pixels = found.to(**self._place).logit().clamp(-BINARY, BINARY)
        part, left = self._part(pixels[None]), self.affordable
        own = self.simple.rate(part.sigmoid(), kernel)
        rated: list[tuple[Drive, Turned | Pattern]] = list(explored)
        if left >= _ABOUT:
            rated += self.simple.about(part, kernel, seed)
            left -= _ABOUT
        rated += self._turned(pixels, kernel, max(0, left))
        left -= _TURNS
        rated += [(rate, Turned(one)) for rate, one in self.pieces.repeated(pixels, kernel, seed)]
        for _ in range(_ROUNDS):
            best = max(rated, key=rate_of, default=None)
            if best is None or (left < _ABOUT + _TURNS and not _clearly_more(best[0], own)):
                break
            more = self._led_on(best[1], kernel, seed)
            left -= _ABOUT + _TURNS
            rated += more
            if max(more, key=rate_of)[0] <= best[0]:
                break
        patterns = [(rate, one) for rate, one in rated if not isinstance(one, Turned)]
        rated += self.simple.refined(patterns, kernel, self.small)
        likely = [one for one in sorted(rated, key=rate_of, reverse=True) if _clearly_more(one[0], own)]
        if likely and self.small != self.scoring.shape:
            own = self.simple.rate(pixels[None].sigmoid(), kernel)
            likely = self.simple.all_rated([one for _, one in likely[:ON_WHOLE_CLIPS]], kernel, self.scoring.shape)
            likely = [one for one in likely if _clearly_more(one[0], own)]
        if not likely:
            return None
        chosen = max(likely, key=rate_of)[1]
        if not isinstance(chosen, Turned):
            return self.simple.optimum(chosen, kernel, self.scoring.shape)
        reached = chosen.drawn(self.scoring.shape)[None]
        return SimpleOptimum(begun=reached.clamp(-_ROOM, _ROOM), reached=reached)

    def _led_on(self, rival: Turned | Pattern, kernel: int, seed: int) -> list[tuple[Drive, Turned | Pattern]]:
        """Return the rivals that a rival leads to: the patterns about it, and itself turned; rated on small clips."""
        pixels = self.simple.shown(rival, kernel).drawn(self.scoring.shape).to(**self._place)
        return [*self.simple.about(self._part(pixels[None]), kernel, seed), *self._turned(pixels, kernel)]

    def _part(self, pixels: Tensor) -> Tensor:
        t, y, x = self.small
        return pixels[..., :t, :y, :x]

    def _turned(self, pixels: Tensor, kernel: int, most: int = _TURNS) -> list[tuple[Drive, Turned | Pattern]]:
        """Return a clip of unbounded `pixels` `C T H W` turned, at most so many times, rated on small clips."""
        turned: list[Turned | Pattern] = [Turned(pixels, axes) for axes in _FLIPS]
        if pixels.shape[2] == pixels.shape[3]:
            turned += [Turned(pixels, quarters=quarters) for quarters in _QUARTERS]
        return self.simple.all_rated(turned[:most], kernel, self.small)

    @property
    def _place(self) -> dict[str, Any]:
        return placement(self.scoring.network)


def affordable_rivals(levels: Sequence[Level], small: Shape) -> int:
    """Return how many passes of clips of the `small` shape 8% of a search is worth, less that of the found clip.

    A search that cools down on small clips first may ask for as many as one on whole clips, which costs twice as much.
    Passes of whole clips come on top, as a second cool-down does, for kernels that a rival drives more on small ones.
    """
    cools_small = on_small_clips(levels) is not None
    volumes = (level.steps * math.prod(levels[-1].shape if cools_small else level.shape) for level in levels)
    return max(0, int(_SHARE * _PASSES * sum(volumes) / math.prod(small)) - 1)


def _clearly_more(one: Drive, other: Drive) -> bool:
    """Return whether a rate is clearly the higher; of two clips that leave a kernel silent, the nearer to firing."""
    (objective, highest), (before, highest_before) = one, other
    if objective == before <= 0:
        return highest - highest_before > _MARGIN * abs(highest_before)
    return objective - before > _MARGIN * abs(before)
