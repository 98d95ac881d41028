"""Channels of a clip that a kernel does not read: whatever stands there drives it as much, and would seem to matter."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from functools import cached_property

from torch import Tensor

from reportgen.analyses.common.draws import own_generator
from reportgen.analyses.kernels.maximum import Maximum
from reportgen.analyses.kernels.schedules import Level
from reportgen.analyses.kernels.scoring import ClipScoring

_ROUNDING = 1e-6
"""Of the largest value of a kernel's map, or of its activation: as much may change by rounding."""


class UnreadChannels:
    """Evens out the channels that kernels of a layer do not read: red alone is shown as red, not as black and white.

    Where noise of a level's shape tells that a kernel's map may not depend on a channel, its own clips are asked.
    """

    def __init__(self, scoring: ClipScoring, kernels: Sequence[int], level: Level) -> None:
        self.scoring, self.kernels, self.level = scoring, kernels, level
        self.even = 0.5 if scoring.options.constraint == "box" else 0.0

    @cached_property
    def _unread(self) -> dict[int, list[int]]:
        """The channels that each kernel may not read, as noise tells."""
        canvas = self.scoring.canvas(self.level)
        noise = canvas.initial(own_generator(self.scoring.options.seed, -1, 1), 1.0)[None]
        clip = canvas.bounded(canvas.unbounded(noise))
        unread: dict[int, list[int]] = {kernel: [] for kernel in self.kernels}
        if clip.shape[1] == 1:
            return unread
        maps = self._maps(clip)
        slack = _ROUNDING * maps.abs().amax(1)
        for channel in range(clip.shape[1]):
            apart = (self._maps(self._evened(clip, channel)) - maps).abs().amax(1)
            for place in (apart <= slack).nonzero().flatten().tolist():
                unread[self.kernels[place]].append(channel)
        return unread

    def evened(self, found: Iterable[Maximum]) -> Iterator[Maximum]:
        """Yield maxima with the channels even that their kernel does not read; of one that reads none, as given."""
        for maximum in found:
            clip, activation, count = maximum.clip[None], maximum.activation, 0
            for channel in self._unread[maximum.kernel]:
                tried = self._evened(clip, channel)
                measured = float(self.scoring.measure(tried, [maximum.kernel]))
                if measured >= activation - _ROUNDING * abs(activation):
                    clip, activation, count = tried, measured, count + 1
            unread = 0 < count < clip.shape[1]
            yield replace(maximum, clip=clip[0], activation=activation) if unread else maximum

    def _maps(self, clip: Tensor) -> Tensor:
        return self.scoring.all_maps(clip)[0, list(self.kernels)].reshape(len(self.kernels), -1)

    def _evened(self, clip: Tensor, channel: int) -> Tensor:
        clip = clip.clone()
        clip[:, channel] = self.even
        return clip
