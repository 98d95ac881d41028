"""Space-time tubes: the boxes that a clip is cut into when a part of it is hidden."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import torch
from torch import Tensor

from reportgen.errors import NetworkError

_PARTS = (4, 7, 7)
"""Into how many tubes a clip is cut along time, height and width."""


@dataclass(frozen=True)
class Tubes:
    """A clip of `size` (T, H, W) cut into boxes of `side` (t, h, w); those at the far ends may be smaller."""

    size: tuple[int, int, int]
    side: tuple[int, int, int]

    @property
    def counts(self) -> tuple[int, int, int]:
        """How many tubes there are along time, height and width."""
        t, h, w = (math.ceil(size / side) for size, side in zip(self.size, self.side, strict=True))
        return t, h, w

    @property
    def count(self) -> int:
        """How many tubes there are."""
        return math.prod(self.counts)

    @cached_property
    def index(self) -> Tensor:
        """The tube that each pixel belongs to, `T H W` int64."""
        t, h, w = (torch.arange(size) // side for size, side in zip(self.size, self.side, strict=True))
        _, rows, columns = self.counts
        return (t[:, None, None] * rows + h[None, :, None]) * columns + w[None, None, :]

    @cached_property
    def volumes(self) -> Tensor:
        """How many pixels each tube has, float64."""
        return torch.bincount(self.index.flatten(), minlength=self.count).double()

    def sums(self, heat: Tensor) -> Tensor:
        """Return the sum of a map `T H W` over each tube, float64."""
        if tuple(heat.shape) != self.size:
            raise NetworkError(f"The map must be T H W like its clip, {self.size}, got {tuple(heat.shape)}.")
        return torch.bincount(self.index.flatten(), weights=heat.double().cpu().flatten(), minlength=self.count)

    def means(self, heat: Tensor) -> Tensor:
        """Return the mean of a map `T H W` over each tube, float64."""
        return self.sums(heat) / self.volumes

    def masks(self, chosen: Tensor) -> Tensor:
        """Return which pixels belong to chosen tubes: `M count` bool to `M 1 T H W` bool, where `chosen` lies."""
        return chosen[:, self.index.to(chosen.device)].unsqueeze(1)


def make_tubes(size: Sequence[int], side: Sequence[int] | None = None) -> Tubes:
    """Return the tubes of a clip of `size` (T, H, W); raises NetworkError for a side that does not fit."""
    if len(size) != 3:
        raise NetworkError(f"Tubes need a clip with time, height and width, got {tuple(size)}.")
    if side is not None and not isinstance(side, Sequence):
        raise NetworkError(f"The tube {side!r} is no size: give frames, height and width.")
    given = tuple(side) if side else tuple(math.ceil(s / parts) for s, parts in zip(size, _PARTS, strict=True))
    if len(given) != 3 or any(not 0 < g <= s for g, s in zip(given, size, strict=True)):
        raise NetworkError(f"The tube {given} does not fit into the clip {tuple(size)}: choose a smaller one.")
    return Tubes((size[0], size[1], size[2]), (given[0], given[1], given[2]))
