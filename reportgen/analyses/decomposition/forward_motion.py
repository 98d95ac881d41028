"""From displacement fields to the motion that is shown, and what can be said about it in numbers."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional as F  # noqa: N812

from reportgen.analyses.decomposition.warping import image_gradient, warp, warp_field

_FIXED_POINT_STEPS = 10  # a step shrinks the error by |grad D|, about 0.1 for a zoom by 1.5%/frame over 8 frames
_EVIDENCE_WINDOW = 5  # px; motion is believed this far around texture
_EVIDENCE_FLOOR = 1 / 255  # per px: one grey level of an 8-bit picture
_EVIDENCE_SHARE = 0.1  # of the texture's own root mean square gradient
_STILL = 0.01  # px/frame; below it a direction means nothing


@dataclass(frozen=True)
class MotionSummary:
    """Motion in numbers, one of each per clip, over the pixels with evidence.

    `mean_speed` (N) in px/frame; `direction` (N) of the mean velocity in degrees, 0 to the right, 90 down (y points
    down in pictures), not a number where nothing moves; `coherence` (N), the length of the mean velocity over the mean
    speed: 1 when everything moves alike, near 0 for rotation and zoom.
    """

    mean_speed: Tensor
    direction: Tensor
    coherence: Tensor


def forward_motion(displacement: Tensor) -> Tensor:
    """Return where each pixel of frame t goes in frame t+1: displacement ``N T 2 H W`` to ``N T-1 2 H W`` in px/frame.

    Both frames show the same point of the texture, p + D_t(p) = p + v + D_{t+1}(p + v), which is solved for v by
    fixed-point iteration.
    """
    now, after = displacement[:, :-1].flatten(0, 1), displacement[:, 1:].flatten(0, 1)
    motion = now - after
    for _ in range(_FIXED_POINT_STEPS):
        motion = now - warp_field(after, motion)
    forward: Tensor = motion.unflatten(0, (displacement.shape[0], -1))
    return forward


def texture_evidence(texture: Tensor, displacement: Tensor) -> Tensor:
    """Say where texture shows how it moves: texture ``N C H W``, displacement ``N K 2 H W`` to bool ``N K H W``.

    The root mean square gradient over channels and a small window must reach one grey level per pixel, and a tenth of
    what the whole texture has.
    """
    gx, gy = image_gradient(texture)
    power = (gx.square() + gy.square()).mean(1, keepdim=True)
    local = F.avg_pool2d(power, _EVIDENCE_WINDOW, stride=1, padding=_EVIDENCE_WINDOW // 2, count_include_pad=False)
    least = (_EVIDENCE_SHARE**2 * power.mean((2, 3), keepdim=True)).clamp_min(_EVIDENCE_FLOOR**2)
    return warp(local, displacement)[:, 0] >= least[:, 0, None]


def summarise_motion(motion: Tensor, evidence: Tensor) -> MotionSummary:
    """Summarise motion ``N K 2 H W`` over the pixels of `evidence`, bool ``N K H W``."""
    pixels = evidence.flatten(1).sum(1).clamp_min(1)
    mean_speed = (motion.square().sum(2).sqrt() * evidence).flatten(1).sum(1) / pixels
    velocity = (motion * evidence[:, :, None]).sum((1, 3, 4)) / pixels[:, None]
    length = velocity.norm(dim=1)
    degrees = torch.rad2deg(torch.atan2(velocity[:, 1], velocity[:, 0])).remainder(360)
    return MotionSummary(
        mean_speed=mean_speed,
        direction=torch.where(length < _STILL, torch.nan, degrees),
        coherence=torch.where(mean_speed < _STILL, 0.0, length / mean_speed.clamp_min(_STILL)),
    )
