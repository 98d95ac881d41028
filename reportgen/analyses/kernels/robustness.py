"""Random views of a canvas, so that what is optimised does not hang on single pixels or on the clip's borders.

Every sample has its own view, and none shows anything but the canvas. The canvas is periodic in space and time, that
is, an over-size canvas without end: a shift brings in at one side what it takes away at the other. What a rotation or
a scale reaches beyond the edge is mirrored. Nothing is ever filled with black.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

_FREE = 5
DRAWS = _FREE + 3
"""Numbers per view: uniform ones for the shift in t, y and x, the scale and the rotation; three that take turns."""

SCALE_AND_ROTATION = slice(3, 5)
"""Which of the draws of a view these are; 0.5 is the middle."""

_TURNS = 8
"""Places in a period of so many frames or px that take turns."""


def draw_views(steps: int, generator: torch.Generator) -> Tensor:
    """Return the draws `S 8` of a sample's views, step by step.

    The last three are places (t, y, x) from 0 to 7 in a fixed order from a random start, in which each 8 steps see all
    places modulo 2, each 64 all modulo 4, and each 512 all modulo 8. A layer with a stride prefers another pattern for
    each of these places: views drawn freely would push the clip to and fro.
    """
    free = torch.rand(steps, _FREE, generator=generator)
    start = torch.randint(_TURNS, (3,), generator=generator)
    step = torch.arange(steps)
    # Bit 3k of the step's number is bit k of y, 3k+1 of x, 3k+2 of t.
    bits = torch.arange(3)
    y, x, t = ((step[:, None] >> 3 * bits + axis & 1).mul(1 << bits).sum(1) for axis in range(3))
    return torch.cat([free, (torch.stack([t, y, x], 1) ^ start).to(free.dtype)], 1)


@dataclass(frozen=True)
class Views:
    """Which views are drawn: shifts up to `jitter` (frames, px) either way, scale and rotation about the centre.

    `scale` is the range of the magnification, `rotation` the largest angle in degrees either way. A `jitter` of None
    shifts anywhere: then no feature can settle at a border of the clip, where the padding of convolutions shows.
    Without `in_time` no shift is in time: what takes frames for channels tells the first from the last. Shifts are by
    whole `steps` (frames, px down, px right): a layer that does not overlap cuts the canvas into the same pieces again.
    """

    jitter: tuple[int, int] | None = None
    scale: tuple[float, float] = (1.0, 1.0)
    rotation: float = 0.0
    in_time: bool = True
    steps: tuple[int, int, int] = (1, 1, 1)

    @property
    def turns(self) -> bool:
        """Whether views are scaled or rotated."""
        return bool(self.rotation) or self.scale != (1.0, 1.0)

    def shifts(self, draws: Tensor, shape: tuple[int, int, int]) -> Tensor:
        """Return the whole-number shifts `N 3` (frames, px down, px right) of `draws` `N 8` on a canvas T H W."""
        if self.jitter is None:
            whole = [torch.floor(draws[:, axis] * size / _TURNS) * _TURNS for axis, size in enumerate(shape)]
            columns = [(whole[axis] + draws[:, _FREE + axis]) % size for axis, size in enumerate(shape)]
        else:
            reaches = (self.jitter[0], self.jitter[1], self.jitter[1])
            columns = [torch.floor(draws[:, axis] * (2 * reach + 1)) - reach for axis, reach in enumerate(reaches)]
        return self._in_whole_steps(columns)

    def shifts_within(self, draws: Tensor, strides: Sequence[int]) -> Tensor:
        """Return the shifts `N 3` to all places within the layer's `strides`: nearly nothing passes over a border."""
        return self._in_whole_steps([draws[:, _FREE + axis] % stride for axis, stride in enumerate(strides)])

    def _in_whole_steps(self, columns: Sequence[Tensor]) -> Tensor:
        """Return shifts `N 3` of three columns of places, each `N`."""
        time, down, right = (torch.trunc(c / step) * step for c, step in zip(columns, self.steps, strict=True))
        return torch.stack([time if self.in_time else torch.zeros_like(time), down, right], dim=1)

    def turn(self, pixels: Tensor, draws: Tensor) -> Tensor:
        """Return `pixels` `N C T H W`, all frames of a sample scaled and rotated alike, by `draws` `N 8`."""
        if not self.turns:
            return pixels
        height, width = pixels.shape[-2:]
        low, high = self.scale
        step = 1 / (low + (high - low) * draws[:, 3])
        angle = math.radians(self.rotation) * (2 * draws[:, 4] - 1)
        cos, sin = torch.cos(angle) * step, torch.sin(angle) * step
        nothing = torch.zeros_like(cos)
        # affine_grid's coordinates run from -1 to 1 over either side, so that a turn of a wide clip is a shear there.
        matrix = torch.stack(
            [
                torch.stack([cos, -sin * (height / width), nothing], 1),
                torch.stack([sin * (width / height), cos, nothing], 1),
            ],
            1,
        )
        frames = pixels.flatten(1, 2)
        grid = functional.affine_grid(matrix, list(frames.shape), align_corners=False)
        seen = functional.grid_sample(frames, grid, mode="bilinear", padding_mode="reflection", align_corners=False)
        return seen.reshape(pixels.shape)
