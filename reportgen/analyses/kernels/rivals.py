"""Clips that what a search has found is held against: it goes on from one that drives the kernel more.

A search climbs to one maximum of many. What its clip is held against follows from that clip and its kernel alone, so
that a kernel's result does not depend on which others are searched beside it.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from reportgen.analyses.common.draws import own_phase
from reportgen.analyses.kernels.gratings import BINARY, Pattern, simple_patterns
from reportgen.analyses.kernels.schedules import Level
from reportgen.analyses.kernels.scoring import ClipScoring
from reportgen.analyses.kernels.simple_optima import PEAKS, SimpleOptima, SimpleOptimum, sharp
from reportgen.networks.kernels.preactivation import placement

_SHARE = 0.08  # of the passes of a kernel's search
_PASSES = 3  # forward passes that a step of a search is worth, and so is a filter read off a gradient
_MARGIN = 0.03  # of the objective: of two clips that are nearly as good either may be shown
_FLIPS = ((1,), (3,), (2,), (2, 3), (1, 3), (1, 2), (1, 2, 3))  # of C T H W
_ROOM = 6.0  # a sigmoid of 6 is 0.998: a search can still leave it


@dataclass(frozen=True)
class Turned:
    """A clip's unbounded `pixels` `C T H W`, turned by so many `quarters` in the frame, then reversed along `axes`."""

    pixels: Tensor
    axes: tuple[int, ...] = ()
    quarters: int = 0

    def drawn(self, shape: tuple[int, int, int]) -> Tensor:
        """Return a part of `shape` as unbounded pixels `C T H W`."""
        return self.pixels.rot90(self.quarters, (2, 3)).flip(self.axes)[(slice(None), *map(slice, shape))]


class Rivals:
    """What the clips that a search of `levels` finds are held against, on clips of the `small` shape first.

    It is for deeper layers: a first layer's optima are known from its weights.
    That is each clip itself, reversed in time, mirrored and turned by 90 degrees, and the simple patterns of the filter
    that the kernel's most active unit is about it. All together cost 8% of a kernel's search at most: a short search
    has fewer of them.
    """

    def __init__(
        self, scoring: ClipScoring, simple: SimpleOptima, levels: Sequence[Level], small: tuple[int, int, int]
    ) -> None:
        self.scoring, self.simple, self.small = scoring, simple, small
        self.affordable = affordable_rivals(levels, small)

    def best(self, found: Tensor, kernel: int, seed: int) -> SimpleOptimum | None:
        """Return the rival that drives a kernel clearly more than the clip `found` `C T H W`, or None."""
        pixels = found.logit().clamp(-BINARY, BINARY)
        part = found[None, :, : self.small[0], : self.small[1], : self.small[2]]
        rivals = self._rivals(pixels, part, kernel, seed)
        rated = [self._worth(one, self.small, kernel) for one in rivals]
        if not rated or not _clearly_more(max(rated), self.simple.rate(part, kernel)[0]):
            return None
        best = rivals[rated.index(max(rated))]
        if self.small != self.scoring.shape:
            own = self.simple.rate(found[None], kernel)[0]
            if not _clearly_more(self._worth(best, self.scoring.shape, kernel), own):
                return None
        reached = best.drawn(self.scoring.shape)[None]
        return SimpleOptimum(begun=reached.clamp(-_ROOM, _ROOM), reached=reached)

    def _rivals(self, pixels: Tensor, part: Tensor, kernel: int, seed: int) -> list[Turned | Pattern]:
        """Return as many rivals as a search affords: the simple patterns first, which more often are better."""
        turned = [Turned(pixels, axes) for axes in _FLIPS]
        if pixels.shape[2] == pixels.shape[3]:
            turned += [Turned(pixels, quarters=quarters) for quarters in (1, 3)]
        patterns: list[Pattern] = []
        if self.affordable >= _PASSES + 2 * PEAKS + 1:
            weights = self.simple.filter_about(part.to(**placement(self.scoring.network)), kernel)
            if weights is not None:
                patterns = [sharp(one) for one in simple_patterns(weights, None, own_phase(seed, kernel), PEAKS)]
        left = self.affordable - (_PASSES + len(patterns) if patterns else 0)
        return [*patterns, *turned[: max(0, left)]]

    def _worth(self, rival: Turned | Pattern, shape: tuple[int, int, int], kernel: int) -> float:
        return self.simple.rate(torch.sigmoid(rival.drawn(shape))[None], kernel)[0]


def affordable_rivals(levels: Sequence[Level], small: tuple[int, int, int]) -> int:
    """Return how many passes of clips of the `small` shape 8% of a search is worth, less that of the found clip.

    Passes of whole clips come on top, as a second cool-down does, for kernels that a rival drives more on small ones.
    """
    passes = _PASSES * sum(level.steps * math.prod(level.shape) for level in levels) / math.prod(small)
    return max(0, int(_SHARE * passes) - 1)


def _clearly_more(one: float, other: float) -> bool:
    return one - other > _MARGIN * abs(other)
