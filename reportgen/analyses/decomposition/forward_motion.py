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
_NORMAL = 1.959964  # the normal distribution's 97.5% point
_LEAST_STEPS = 4  # from frame to frame, for an interval
# Of 120 first-layer kernels with planted speeds 93% were shown within this (tests/truth/test_planted_speeds.py).
_UNRESOLVED = 0.03  # px/frame
_UNRESOLVED_SHARE = 0.03  # of the speed
_RESOLVED_AT_MOST = 0.095  # of the speed, where it is slow
_LEAST_MARGIN = 0.003  # px/frame


@dataclass(frozen=True)
class MotionSummary:
    """Motion in numbers, one of each per clip, over the pixels with evidence.

    `mean_speed` (N) in px/frame, with half the width of its 95% interval (`speed_margin`, N); `direction` (N) of the
    mean velocity in degrees, 0 to the right, 90 down (y points down in pictures), not a number where nothing moves;
    `coherence` (N), the length of the mean velocity over the mean speed: 1 when everything moves alike, near 0 for
    rotation and zoom.
    """

    mean_speed: Tensor
    speed_margin: Tensor
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
    velocity = mean_velocity(motion, evidence)
    length = velocity.norm(dim=1)
    return MotionSummary(
        mean_speed=mean_speed,
        speed_margin=speed_margin(motion, evidence, mean_speed),
        direction=direction_of(velocity),
        coherence=torch.where(mean_speed < _STILL, 0.0, length / mean_speed.clamp_min(_STILL)),
    )


def mean_velocity(motion: Tensor, evidence: Tensor) -> Tensor:
    """Return the mean velocity (``N 2``) of motion ``N K 2 H W`` over the pixels of `evidence`, bool ``N K H W``."""
    pixels = evidence.flatten(1).sum(1).clamp_min(1)
    velocity: Tensor = (motion * evidence[:, :, None]).sum((1, 3, 4)) / pixels[:, None]
    return velocity


def direction_of(velocity: Tensor) -> Tensor:
    """Return the direction (N) of velocities ``N 2`` in degrees; not a number where nothing moves."""
    degrees = torch.rad2deg(torch.atan2(velocity[:, 1], velocity[:, 0])).remainder(360)
    return torch.where(velocity.norm(dim=1) < _STILL, torch.nan, degrees)


def speed_margin(motion: Tensor, evidence: Tensor, mean_speed: Tensor) -> Tensor:
    """Return half the width (N) of a 95% interval around `mean_speed` (N), of motion ``N K 2 H W`` with evidence.

    It adds up what the speed of the steps from frame to frame tells (Student's t over the K steps) and what the method
    cannot resolve, which was measured on planted kernels of known speed. Not a number for fewer than 4 steps.
    """
    if motion.shape[1] < _LEAST_STEPS:
        return torch.full_like(mean_speed, torch.nan)
    seen = evidence.flatten(2)
    speeds = (motion.square().sum(2).sqrt().flatten(2) * seen).sum(2) / seen.sum(2).clamp_min(1)
    shown = seen.any(2)
    count = shown.sum(1)
    mean = (speeds * shown).sum(1) / count.clamp_min(1)
    variance = ((speeds - mean[:, None]).square() * shown).sum(1) / (count - 1).clamp_min(1)
    margin = margin_of((variance / count.clamp_min(1)).sqrt(), (count - 1).clamp_min(_LEAST_STEPS - 1), mean_speed)
    return torch.where(count >= _LEAST_STEPS, margin, torch.nan)


def margin_of(error: Tensor, freedom: Tensor, speed: Tensor) -> Tensor:
    """Return half the width (N) of a 95% interval around a `speed` (N) with its standard `error` and its degrees of
    freedom.

    It adds what no clip can tell of a kernel: few frames and pixels hold a wide band of speeds.
    """
    unresolved = torch.minimum(_RESOLVED_AT_MOST * speed, _UNRESOLVED + _UNRESOLVED_SHARE * speed)
    return torch.hypot(_student(freedom) * error, unresolved.clamp_min(_LEAST_MARGIN))


def _student(freedom: Tensor) -> Tensor:
    """Return the 97.5% point of Student's t by the expansion of Cornish and Fisher; 0.7% low at 3 degrees of freedom.

    Motion is found where there is torch alone, without SciPy.
    """
    z, n = _NORMAL, freedom.to(torch.float32)
    first = (z**3 + z) / (4 * n)
    second = (5 * z**5 + 16 * z**3 + 3 * z) / (96 * n**2)
    third = (3 * z**7 + 19 * z**5 + 17 * z**3 - 15 * z) / (384 * n**3)
    return z + first + second + third
