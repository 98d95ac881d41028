"""Random views of a canvas larger than the clip, so that what is optimised does not hang on single pixels.

Every sample has its own view, and none shows anything but the canvas: a shift is a crop, and what a rotation or a
scale reaches beyond the edge is mirrored, never filled.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

DRAWS = 5
"""Uniform numbers per view: shift in t, y and x, scale, rotation."""


@dataclass(frozen=True)
class Views:
    """Which views are drawn: shifts up to `jitter` (frames, px) either way, scale and rotation about the centre.

    `scale` is the range of the magnification of the canvas, `rotation` the largest angle in degrees either way.
    """

    jitter: tuple[int, int] = (2, 8)
    scale: tuple[float, float] = (0.95, 1.05)
    rotation: float = 5.0

    @property
    def margin(self) -> tuple[int, int, int]:
        """How far the canvas reaches beyond the clip on either side (T, H, W)."""
        frames, pixels = self.jitter
        return (frames, pixels, pixels)

    def canvas_shape(self, shape: tuple[int, int, int]) -> tuple[int, int, int]:
        """Return the canvas (T, H, W) for clips of `shape`."""
        t, h, w = (size + 2 * margin for size, margin in zip(shape, self.margin, strict=True))
        return (t, h, w)

    def centre(self, canvas: Tensor) -> Tensor:
        """Return the clips in the middle of `canvas` (`N C T' H' W'`): the view without any transform."""
        t, h, w = self.margin
        frames, height, width = canvas.shape[-3:]
        return canvas[..., t : frames - t, h : height - h, w : width - w]

    def view(self, canvas: Tensor, draws: Tensor) -> Tensor:
        """Return one view `N C T H W` per sample of `canvas` `N C T' H' W'`; `draws` is `N 5` uniform in [0, 1)."""
        frames, pixels = self.jitter
        if frames:
            canvas = _shift_frames(canvas, frames, draws[:, 0])
        if pixels or self.rotation or self.scale != (1.0, 1.0):
            canvas = self._resample(canvas, draws[:, 1:])
        return canvas

    def _resample(self, canvas: Tensor, draws: Tensor) -> Tensor:
        pixels, count = self.jitter[1], len(canvas)
        height, width = canvas.shape[-2:]
        size = torch.tensor([width, height], dtype=canvas.dtype, device=canvas.device)
        shift = torch.floor(draws[:, [1, 0]] * (2 * pixels + 1)) - pixels
        low, high = self.scale
        step = 1 / (low + (high - low) * draws[:, 2])
        angle = math.radians(self.rotation) * (2 * draws[:, 3] - 1)
        cos, sin = torch.cos(angle) * step, torch.sin(angle) * step
        turn = torch.stack([torch.stack([cos, -sin], 1), torch.stack([sin, cos], 1)], 1)
        y = _centred(height - 2 * pixels, canvas)
        x = _centred(width - 2 * pixels, canvas)
        points = torch.stack(torch.broadcast_tensors(x[None, :], y[:, None]), dim=-1)
        # With align_corners=False the normalised coordinate of a point at p px from the centre is 2 p / size.
        grid = torch.einsum("nij,hwj->nhwi", turn, points) + shift.view(count, 1, 1, 2)
        grid = 2 * grid / size
        seen = functional.grid_sample(
            canvas.flatten(1, 2), grid, mode="bilinear", padding_mode="reflection", align_corners=False
        )
        return seen.unflatten(1, canvas.shape[1:3])


def _centred(size: int, like: Tensor) -> Tensor:
    """Return positions of `size` pixels in px from their centre."""
    return torch.arange(size, dtype=like.dtype, device=like.device) - (size - 1) / 2


def _shift_frames(canvas: Tensor, reach: int, draws: Tensor) -> Tensor:
    """Return `canvas` cropped by `reach` frames on either side, shifted by up to that many.

    The frames are picked by a product with a 0/1 matrix: offsets stay tensors (as CUDA graphs need), and its gradient
    is deterministic on every device, unlike that of an indexed read.
    """
    frames = canvas.shape[2]
    first = torch.floor(draws * (2 * reach + 1))
    steps = torch.arange(frames, dtype=canvas.dtype, device=canvas.device)
    wanted = steps[None, : frames - 2 * reach, None] + first.view(-1, 1, 1)
    pick = (wanted == steps).to(canvas.dtype)
    shifted = pick[:, None] @ canvas.flatten(3)
    return shifted.unflatten(3, canvas.shape[3:])
