"""Moving pictures by displacement fields, and the picture pyramid that goes with it.

Conventions, shared by everything that handles motion: a displacement has two channels ``(dx, dy)`` in pixels of the
picture that it belongs to, x to the right and y down, and says where to look: the moved picture at p is the source at
``p + D(p)``. Positions outside the source take its nearest border pixel.
"""

from __future__ import annotations

from typing import Literal

import torch
from torch import Tensor
from torch.nn import functional as F  # noqa: N812

Interpolation = Literal["bilinear", "bicubic"]

# Binomial taps of even length: their centre lies between two pixels, where a pixel of the half-size picture lies.
# Eight of them keep 1 to 3% of texture of 0.3 cycles/px and more, which aliases, and so gets a false direction.
_HALVING_TAPS = (1.0, 7.0, 21.0, 35.0, 35.0, 21.0, 7.0, 1.0)


def warp(source: Tensor, displacement: Tensor, *, mode: Interpolation = "bilinear", margin: int = 0) -> Tensor:
    """Move each source picture by K displacements at once.

    `source` is ``B C H W`` and `displacement` ``B K 2 H W``; the result is ``B C K H W``. A source that has `margin`
    more pixels on every side than the displacement is sampled in the displacement's coordinates. All K pictures of a
    source are stacked into one tall grid, so that the source is not copied K times.
    """
    batch, count, _, height, width = displacement.shape
    x, y = _axis(width, displacement), _axis(height, displacement)[:, None]
    across, down = (2 / max(1, size - 1) for size in (source.shape[-1], source.shape[-2]))
    # From -1 in the centre of the source's first pixel to 1 in that of its last one.
    here = torch.stack([part.expand(height, width) for part in ((x + margin) * across - 1, (y + margin) * down - 1)])
    scale = displacement.new_tensor([across, down])[:, None, None]
    grid = torch.addcmul(here, displacement, scale).movedim(2, -1).reshape(batch, count * height, width, 2)
    moved = F.grid_sample(source, grid, mode=mode, padding_mode="border", align_corners=True)
    return moved.view(batch, source.shape[1], count, height, width)


def warp_field(field: Tensor, displacement: Tensor) -> Tensor:
    """Return ``field(p + D(p))`` for a field and a displacement, both ``N 2 H W``."""
    return warp(field, displacement[:, None])[:, :, 0]


def lands_inside(displacement: Tensor, *, margin: int = 0) -> Tensor:
    """Say where ``p + D(p)`` lies in the picture, `margin` from its border: ``... 2 H W`` to bool ``... H W``."""
    height, width = displacement.shape[-2:]
    dx, dy = displacement.unbind(-3)
    x, y = dx + _axis(width, displacement), dy + _axis(height, displacement)[:, None]
    return (x >= margin) & (x <= width - 1 - margin) & (y >= margin) & (y <= height - 1 - margin)


def _axis(size: int, like: Tensor) -> Tensor:
    return torch.arange(size, dtype=like.dtype, device=like.device)


def image_gradient(image: Tensor) -> tuple[Tensor, Tensor]:
    """Return the x and y derivatives per pixel of pictures ``... H W``: fourth order, second at the border."""
    gx = torch.gradient(image, dim=-1, edge_order=2)[0]
    gy = torch.gradient(image, dim=-2, edge_order=2)[0]
    gx[..., 2:-2] = (image[..., :-4] - image[..., 4:] + 8 * (image[..., 3:-1] - image[..., 1:-3])) / 12
    gy[..., 2:-2, :] = (image[..., :-4, :] - image[..., 4:, :] + 8 * (image[..., 3:-1, :] - image[..., 1:-3, :])) / 12
    return gx, gy


def halve(image: Tensor) -> Tensor:
    """Blur and halve pictures ``B C H W``; an odd side is continued by one pixel first."""
    height, width = image.shape[-2:]
    taps = image.new_tensor(_HALVING_TAPS) / sum(_HALVING_TAPS)
    kernel = (taps[:, None] * taps).expand(image.shape[1], 1, -1, -1)
    reach = len(_HALVING_TAPS) // 2 - 1
    padded = F.pad(image, (reach, reach + width % 2, reach, reach + height % 2), mode="replicate")
    return F.conv2d(padded, kernel, stride=2, groups=image.shape[1])


def picture_pyramid(image: Tensor, levels: int) -> list[Tensor]:
    """Return pictures ``B C H W`` at full, half, quarter ... size, `levels` of them."""
    pyramid = [image]
    for _ in range(levels - 1):
        pyramid.append(halve(pyramid[-1]))
    return pyramid


def double_displacement(displacement: Tensor, height: int, width: int) -> Tensor:
    """Bring a displacement ``B K 2 h w`` of half-size pictures to ``B K 2 height width``; its values double too."""
    fine = F.interpolate(displacement.flatten(0, 1), scale_factor=2, mode="bilinear", align_corners=False)
    doubled: Tensor = 2 * fine[..., :height, :width].unflatten(0, displacement.shape[:2])
    return doubled
