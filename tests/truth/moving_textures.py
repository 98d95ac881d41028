"""Clips whose motion is known exactly: two-dimensional textures that are functions of real coordinates.

A moving clip evaluates the texture where each pixel's content comes from, so that nothing is interpolated and the
truth holds between pixels too. Velocities are in px/frame, x to the right and y down.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

Texture = Callable[[Tensor, Tensor], Tensor]
FRAMES, SIZE = 16, 64


@dataclass(frozen=True)
class MovingClip:
    """A clip `C T H W` in [0, 1], its forward motion `T-1 2 H W`, and where that is defined, bool `T-1 H W`."""

    pixels: Tensor
    motion: Tensor
    known: Tensor


def texture(seed: int, *, lowest: float = 0.02, highest: float = 0.12, waves: int = 24) -> Texture:
    """Return a random colour texture of plane waves of all directions, `lowest` to `highest` cycles/px."""
    generator = torch.Generator().manual_seed(seed)

    def draw(*shape: int) -> Tensor:
        return torch.rand(*shape, generator=generator, dtype=torch.float64)

    frequency = 2 * math.pi * lowest * (highest / lowest) ** draw(waves)
    angle, phase, amplitude = 2 * math.pi * draw(waves), 2 * math.pi * draw(3, waves), draw(3, waves)
    amplitude = amplitude / amplitude.norm(dim=1, keepdim=True)

    def colours(x: Tensor, y: Tensor) -> Tensor:
        wave = frequency * (x[..., None] * angle.cos() + y[..., None] * angle.sin())
        return torch.stack([(torch.cos(wave + phase[c]) * amplitude[c]).sum(-1) for c in range(3)]) * 0.13 + 0.5

    return colours


def stripes(frequency: float, angle: float) -> Texture:
    """Return a grey grating of `frequency` cycles/px that varies in direction `angle` (radians from x to y)."""

    def colours(x: Tensor, y: Tensor) -> Tensor:
        wave = 2 * math.pi * frequency * (x * math.cos(angle) + y * math.sin(angle))
        return (0.5 + 0.4 * torch.cos(wave)).expand(3, *x.shape)

    return colours


def translating(look: Texture, velocity: tuple[float, float], *, frames: int = FRAMES, size: int = SIZE) -> MovingClip:
    """Return a texture that moves as a whole."""
    x, y = _positions(size)
    at = [look(x - velocity[0] * t, y - velocity[1] * t) for t in _times(frames)]
    motion = torch.tensor(velocity, dtype=torch.float64).view(1, 2, 1, 1).expand(frames - 1, 2, size, size)
    return _everywhere(at, motion)


def rotating(look: Texture, degrees: float, *, frames: int = FRAMES, size: int = SIZE) -> MovingClip:
    """Return a texture that turns about the middle, clockwise on the screen for positive `degrees` per frame."""
    x, y = _positions(size)

    def turned(angle: float) -> tuple[Tensor, Tensor]:
        cosine, sine = math.cos(math.radians(angle)), math.sin(math.radians(angle))
        return cosine * x - sine * y, sine * x + cosine * y

    forward = turned(degrees)
    motion = torch.stack([forward[0] - x, forward[1] - y]).expand(frames - 1, 2, size, size)
    return _everywhere([look(*turned(-degrees * t)) for t in _times(frames)], motion)


def zooming(look: Texture, share: float, *, frames: int = FRAMES, size: int = SIZE) -> MovingClip:
    """Return a texture that grows about the middle by `share` of its size per frame."""
    x, y = _positions(size)
    motion = (torch.stack([x, y]) * share).expand(frames - 1, 2, size, size)
    return _everywhere([look(x / (1 + share) ** t, y / (1 + share) ** t) for t in _times(frames)], motion)


def two_objects(
    first: tuple[float, float],
    second: tuple[float, float],
    *,
    background: tuple[float, float] | None = None,
    frames: int = FRAMES,
    size: int = SIZE,
) -> MovingClip:
    """Return two textured discs that move differently, over plain grey or over a texture that moves a third way.

    Over grey the motion is known on the discs only. Over a texture the discs hide and reveal it, which no moved
    picture can show.
    """
    x, y = _positions(size)
    discs = [(texture(11), first, -0.2 * size), (texture(12), second, 0.2 * size)]
    shown, motions, known = [], [], []
    for t in _times(frames):
        picture = torch.full((3, size, size), 0.5, dtype=torch.float64)
        motion, covered = torch.zeros(2, size, size, dtype=torch.float64), torch.zeros(size, size, dtype=torch.bool)
        if background is not None:
            picture = texture(13)(x - background[0] * t, y - background[1] * t)
            motion[0], motion[1], covered = background[0], background[1], ~covered
        for look, (vx, vy), centre in discs:
            own_x, own_y = x - vx * t, y - vy * t
            inward = 0.2 * size - torch.hypot(own_x - centre, own_y)
            opacity = torch.sigmoid(inward)
            picture = picture * (1 - opacity) + look(own_x, own_y) * opacity
            motion[0][inward > 0], motion[1][inward > 0] = vx, vy
            covered = covered | (inward > 1)
        shown.append(picture)
        motions.append(motion)
        known.append(covered)
    return MovingClip(torch.stack(shown, 1).float(), torch.stack(motions[:-1]).float(), torch.stack(known[:-1]))


def noise(seed: int, blur: float, *, frames: int = FRAMES, size: int = SIZE) -> Tensor:
    """Return a clip `C T H W` of noise blurred alike in space and time: it changes, but nothing in it moves."""
    generator = torch.Generator().manual_seed(seed)
    shape = (frames, size, size)
    white = torch.randn(3, *shape, generator=generator)
    frequency = [torch.fft.fftfreq(frames), torch.fft.fftfreq(size), torch.fft.rfftfreq(size)]
    squared = sum(axis.square() for axis in torch.meshgrid(*frequency, indexing="ij"))
    spectrum = torch.fft.rfftn(white, dim=(1, 2, 3)) * torch.exp(-2 * (math.pi * blur) ** 2 * squared)
    smooth = torch.fft.irfftn(spectrum, s=shape, dim=(1, 2, 3))
    return torch.sigmoid(smooth / smooth.std())


def end_point_error(found: Tensor, clip: MovingClip, *, border: int = 8) -> float:
    """Return the mean distance of motion `T-1 2 H W` from the truth in px/frame, `border` pixels cropped all round."""
    inner = (..., slice(border, -border), slice(border, -border))
    error = (found - clip.motion).norm(dim=1)[inner]
    return error[clip.known[inner]].mean().item()


def _positions(size: int) -> tuple[Tensor, Tensor]:
    """Return x and y (`H W`) from the middle of the picture, in px."""
    offset = torch.arange(size, dtype=torch.float64) - (size - 1) / 2
    y, x = torch.meshgrid(offset, offset, indexing="ij")
    return x, y


def _times(frames: int) -> range:
    return range(-(frames // 2), frames - frames // 2)


def _everywhere(frames: list[Tensor], motion: Tensor) -> MovingClip:
    known = torch.ones(motion[:, 0].shape, dtype=torch.bool)
    return MovingClip(torch.stack(frames, 1).float(), motion.float(), known)
