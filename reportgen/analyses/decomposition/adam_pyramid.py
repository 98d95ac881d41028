"""Displacement fields by plain gradient descent, coarse to fine: the slow reference version of the decomposition.

It shares neither its solver nor its start with `gauss_newton`, so that where both agree neither's peculiarities are
to blame. Benchmarks compare their speed, tests their results.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional as F  # noqa: N812

from reportgen.analyses.decomposition.warping import warp

_SOFTNESS = 1e-3  # where the square roots turn quadratic
_TEXTURE_RATE = 0.05  # grey values are smaller than displacements


@dataclass(frozen=True)
class DescentStage:
    """One stage of the descent: nodes per side of the displacement's grid, and the blur of the pictures in px."""

    nodes: int
    blur: float


LEVELS = (
    DescentStage(4, 4.0),
    DescentStage(8, 2.0),
    DescentStage(16, 1.0),
    DescentStage(32, 0.5),
    DescentStage(64, 0.0),
)


def displacement_by_adam(
    clips: Tensor,
    reference: int,
    *,
    steps_per_level: int = 150,
    learning_rate: float = 0.2,
    space_weight: float = 2e-3,
    time_weight: float = 2e-3,
    texture_weight: float = 1e-4,
) -> tuple[Tensor, int]:
    """Find where each pixel of each frame lies in the reference frame.

    `clips` is ``N C T H W``. Returns the displacement ``N T 2 H W`` in px (zero in the reference frame) and the number
    of steps. The displacement is a grid of nodes per frame, refined from level to level and enlarged to the picture's
    size; Charbonnier data term, total variation of the displacement in space, its second differences in time, and
    total variation of the texture, which takes part at the last level only.
    """
    frames, height, width = clips.shape[2:]
    free = torch.ones(frames, 1, 1, 1, dtype=clips.dtype, device=clips.device)
    free[reference] = 0
    nodes = clips.new_zeros(clips.shape[0], frames, 2, 1, 1)
    for level in LEVELS:
        nodes = _resize(nodes, min(level.nodes, height), min(level.nodes, width)).requires_grad_()
        target = _blur(clips, level.blur)
        texture = target[:, :, reference].clone()
        groups = [{"params": [nodes], "lr": learning_rate}]
        if level is LEVELS[-1]:
            groups.append({"params": [texture.requires_grad_()], "lr": _TEXTURE_RATE * learning_rate})
        optimizer = torch.optim.Adam(groups)
        schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, steps_per_level)
        with torch.enable_grad():
            for _ in range(steps_per_level):
                field = _resize(nodes, height, width) * free
                per_clip = (
                    _mean_root((target - warp(texture, field)).square())
                    + space_weight * _variation(field)
                    + time_weight * _bending(field)
                    + texture_weight * _variation(texture)
                )
                optimizer.zero_grad(set_to_none=True)
                per_clip.sum().backward()  # a sum: no clip's gradient depends on how many there are
                optimizer.step()
                schedule.step()
        nodes = nodes.detach()
    return _resize(nodes, height, width) * free, steps_per_level * len(LEVELS)


def _resize(nodes: Tensor, height: int, width: int) -> Tensor:
    """Enlarge a grid ``N T 2 h w`` so that its corner nodes stay in the corners."""
    if nodes.shape[-2:] == (height, width):
        return nodes.clone()
    sized = F.interpolate(nodes.flatten(0, 1), size=(height, width), mode="bilinear", align_corners=True)
    enlarged: Tensor = sized.unflatten(0, nodes.shape[:2])
    return enlarged


def _blur(clips: Tensor, sigma: float) -> Tensor:
    """Blur the frames of clips ``N C T H W`` by a Gaussian."""
    if sigma == 0:
        return clips
    reach = min(int(3 * sigma), *(side - 1 for side in clips.shape[-2:]))
    offsets = torch.arange(-reach, reach + 1, dtype=clips.dtype, device=clips.device)
    taps = torch.exp(-0.5 * (offsets / sigma).square())
    taps = taps / taps.sum()
    frames = clips.flatten(0, 2)[:, None]
    frames = F.conv2d(F.pad(frames, (reach, reach, 0, 0), mode="replicate"), taps.view(1, 1, 1, -1))
    frames = F.conv2d(F.pad(frames, (0, 0, reach, reach), mode="replicate"), taps.view(1, 1, -1, 1))
    return frames.view(clips.shape)


def _mean_root(squares: Tensor) -> Tensor:
    """Return each clip's mean of the softened square roots (N)."""
    return (squares + _SOFTNESS**2).sqrt().flatten(1).mean(1)


def _variation(field: Tensor) -> Tensor:
    """Return the total variation per pixel of ``N ... H W`` (N)."""
    across = (field[..., :-1, 1:] - field[..., :-1, :-1]).square()
    down = (field[..., 1:, :-1] - field[..., :-1, :-1]).square()
    return _mean_root(across + down)


def _bending(field: Tensor) -> Tensor:
    """Return the second differences over time of a field ``N T 2 H W`` per pixel (N)."""
    if field.shape[1] < 3:
        return torch.zeros_like(field[:, 0, 0, 0, 0])
    return _mean_root((field[:, 2:] - 2 * field[:, 1:-1] + field[:, :-2]).square())
