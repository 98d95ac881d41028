"""Clips with a known texture and a known motion, made from a seed.

Every clip is one texture that covers the frame and moves as a whole. The texture is a function of continuous plane
coordinates, evaluated where each pixel's content comes from, so that motion is exact to a fraction of a pixel and no
border or seam ever enters. Textures are two-dimensional: a grating would make its direction ambiguous (the aperture
problem). Colours, polarity, scale, orientation and phase are random, so that neither colour nor brightness tells a
class from another.

Coordinates are pixels, x to the right and y down, with the origin at the frame's centre; a positive angle turns
x towards y, clockwise as seen on the screen. A motion is stationary: the content at p is at p + v(p) one frame later,
with v(p) = translation + (growth * R(turn) - 1)(p - centre) in every frame.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TYPE_CHECKING, NamedTuple

import torch
from torch import Tensor

if TYPE_CHECKING:
    from reportgen.records.card import ModelCard

TEXTURES = ("checks", "dots", "rings", "blobs")
MOTIONS = ("static", "moving left", "moving right", "moving up", "moving down", "rotating", "zooming")
LABELS = tuple(f"{texture} {motion}" for texture in TEXTURES for motion in MOTIONS)
OPPOSITE = {1: 2, 2: 1, 3: 4, 4: 3}
"""Index in `MOTIONS` of each translation and of its time reversal."""

SPEED = (0.75, 3.0)
"""Slowest and fastest translation in px/frame."""
TURN = (0.03, 0.09)
"""Slowest and fastest rotation in rad/frame, either sense."""
GROWTH = (0.02, 0.05)
"""Slowest and fastest zoom: natural logarithm of the magnification per frame, either sense."""
DIRECTION_SPREAD = math.radians(5.0)
"""Translations point this far to either side of their axis at most."""
CENTRE_SPREAD = 6.0
"""Centres of rotation and zoom lie this many px from the frame's centre at most, along x and along y."""

_HEADINGS = {1: math.pi, 2: 0.0, 3: -math.pi / 2, 4: math.pi / 2}
_WAVES = 24
_CELLS = 16
"""Lattice of this many cells, along each axis, before the elements' offsets repeat."""
_EDGE = 0.4
"""Softness of the edges of dots and rings in px."""
_NUMBERS = 22 + 2 * _CELLS**2 + 3 * _WAVES
"""Random numbers that a clip is made of."""


class Motion(NamedTuple):
    """The true motion of N clips."""

    translation: Tensor
    """N 2, (x, y) in px/frame."""
    turn: Tensor
    """N, rad/frame, clockwise positive."""
    growth: Tensor
    """N, magnification per frame."""
    centre: Tensor
    """N 2, (x, y) in px from the frame's centre; what rotation and zoom leave in place."""

    def velocity(self, height: int, width: int) -> Tensor:
        """Return where each pixel's content goes by the next frame, N 2 H W in px/frame with channels (x, y)."""
        offset = pixels(height, width) - self.centre[:, :, None, None]
        cosine, sine = _columns(self.growth * self.turn.cos(), self.growth * self.turn.sin())
        x, y = offset.unbind(1)
        moved = torch.stack((cosine * x - sine * y, sine * x + cosine * y), dim=1)
        return moved - offset + self.translation[:, :, None, None]


class Generated(NamedTuple):
    """N generated clips with what is true of them."""

    clips: Tensor
    """N 3 T H W, RGB in [0, 1]."""
    labels: Tensor
    """N, index in `LABELS`: texture * len(MOTIONS) + motion."""
    motion: Motion


class ReferenceClip(NamedTuple):
    """One generated clip as a report uses it."""

    name: str
    clip: Tensor
    """3 T H W, RGB in [0, 1]."""
    label: int
    label_name: str
    translation: tuple[float, float]
    """(x, y) in px/frame."""
    turn: float
    """rad/frame, clockwise positive."""
    growth: float
    """Magnification per frame."""


class _Look(NamedTuple):
    """What is random about the texture of N clips; numbers between 0 and 1."""

    size: Tensor
    """N"""
    shape: Tensor
    """N"""
    offsets: Tensor
    """N 2 cells, where each cell's element sits."""
    waves: Tensor
    """N 2 waves: direction and length of each wave."""
    phases: Tensor
    """N waves"""

    def of(self, chosen: Tensor) -> _Look:
        """Return the looks of the clips chosen by a mask N."""
        return _Look(*(values[chosen] for values in self))


class _Draws:
    """Uniform random numbers of N clips, handed out one column after the other."""

    def __init__(self, table: Tensor) -> None:
        self._table = table
        self._next = 0

    def uniform(self, low: float, high: float) -> Tensor:
        """Return N numbers between `low` and `high`."""
        return low + (high - low) * self.block(1)[:, 0]

    def sign(self) -> Tensor:
        """Return N numbers, each -1 or 1."""
        return torch.where(self.block(1)[:, 0] < 0.5, -1.0, 1.0)

    def block(self, columns: int) -> Tensor:
        """Return N x `columns` numbers between 0 and 1."""
        self._next += columns
        if self._next > self._table.shape[1]:
            raise RuntimeError("the table of random numbers is too narrow")
        return self._table[:, self._next - columns : self._next]


def generate(
    count: int,
    seed: int,
    *,
    frames: int,
    height: int,
    width: int,
    texture: int | None = None,
    motion: int | None = None,
    labels: Tensor | None = None,
) -> Generated:
    """Return `count` clips, each of a random class unless `texture`, `motion` or `labels` say otherwise.

    `texture` and `motion` are indices in `TEXTURES` and `MOTIONS`; `labels` (N) sets both for every clip. Clip k of a
    seed is the same for every `count` when its class is. Raises ValueError for an index that does not exist.
    """
    generator = torch.Generator().manual_seed(seed)
    draws = _Draws(torch.rand(count, _NUMBERS, generator=generator))
    if labels is None:
        textures = draws.uniform(0, len(TEXTURES)).long().clamp(max=len(TEXTURES) - 1)
        motions = draws.uniform(0, len(MOTIONS)).long().clamp(max=len(MOTIONS) - 1)
    else:
        draws.block(2)
        textures, motions = labels // len(MOTIONS), labels % len(MOTIONS)
    if texture is not None:
        textures = torch.full((count,), texture)
    if motion is not None:
        motions = torch.full((count,), motion)
    _check(textures, len(TEXTURES), "texture")
    _check(motions, len(MOTIONS), "motion")
    truth = _draw_motion(draws, motions)
    origin = _trace_back(truth, frames, height, width)
    clips = _colour(draws, _paint(draws, textures, origin))
    return Generated(clips, textures * len(MOTIONS) + motions, truth)


def reference_clips(card: ModelCard, count: int, seed: int) -> list[ReferenceClip]:
    """Return `count` clips of the card's size that go through the classes evenly, textures and motions alternating."""
    index = torch.arange(count)
    labels = (index % len(TEXTURES)) * len(MOTIONS) + index % len(MOTIONS)
    size = card.clip
    made = generate(count, seed, frames=size.frames, height=size.height, width=size.width, labels=labels)
    return [
        ReferenceClip(
            name=f"{k:03d}-{LABELS[label].replace(' ', '-')}",
            clip=made.clips[k],
            label=label,
            label_name=LABELS[label],
            translation=(float(made.motion.translation[k, 0]), float(made.motion.translation[k, 1])),
            turn=float(made.motion.turn[k]),
            growth=float(made.motion.growth[k]),
        )
        for k, label in enumerate(labels.tolist())
    ]


def _check(indices: Tensor, known: int, kind: str) -> None:
    if bool(((indices < 0) | (indices >= known)).any()):
        raise ValueError(f"A {kind} is an index from 0 to {known - 1}, not {indices.tolist()}.")


def pixels(height: int, width: int) -> Tensor:
    """Return the coordinates (x, y) of all pixels as 2 H W."""
    y, x = torch.meshgrid(torch.arange(height) - (height - 1) / 2, torch.arange(width) - (width - 1) / 2, indexing="ij")
    return torch.stack((x, y))


def _columns(*values: Tensor) -> tuple[Tensor, ...]:
    """Shape values of N clips (or of N clips and T frames) so that they broadcast over H and W."""
    return tuple(value[..., None, None] for value in values)


def _draw_motion(draws: _Draws, motions: Tensor) -> Motion:
    """Draw the parameters of every motion for every clip, and keep those of the clip's own."""
    speed = draws.uniform(*SPEED)
    spread = draws.uniform(-DIRECTION_SPREAD, DIRECTION_SPREAD)
    turn = draws.uniform(*TURN) * draws.sign()
    growth = draws.uniform(*GROWTH) * draws.sign()
    centre = (2 * draws.block(2) - 1) * CENTRE_SPREAD
    heading = spread.clone()
    for motion, axis in _HEADINGS.items():
        heading[motions == motion] += axis
    translates = (motions >= 1) & (motions <= 4)
    translation = torch.stack((heading.cos(), heading.sin()), dim=1) * (speed * translates)[:, None]
    return Motion(
        translation=translation,
        turn=turn * (motions == MOTIONS.index("rotating")),
        growth=(growth * (motions == MOTIONS.index("zooming"))).exp(),
        centre=centre,
    )


def _trace_back(truth: Motion, frames: int, height: int, width: int) -> Tensor:
    """Return where the content of each pixel of each frame lies in the middle frame's plane, N 2 T H W in px."""
    time = torch.arange(frames) - (frames - 1) / 2
    start = truth.centre[:, :, None] + truth.translation[:, :, None] * time
    x, y = (pixels(height, width)[None, :, None] - start[..., None, None]).unbind(1)
    angle, scale = truth.turn[:, None] * time, truth.growth[:, None] ** -time
    cosine, sine = _columns(scale * angle.cos(), scale * angle.sin())
    return torch.stack((cosine * x + sine * y, cosine * y - sine * x), dim=1)


def _paint(draws: _Draws, textures: Tensor, origin: Tensor) -> Tensor:
    """Return the coverage N T H W in [0, 1] of each clip's texture at the plane coordinates `origin`, N 2 T H W."""
    angle = draws.uniform(0, 2 * math.pi)
    corner = 256 * draws.block(2)[:, :, None, None, None]
    look = _Look(
        size=draws.block(1)[:, 0],
        shape=draws.block(1)[:, 0],
        offsets=draws.block(2 * _CELLS**2).view(-1, 2, _CELLS**2),
        waves=draws.block(2 * _WAVES).view(-1, 2, _WAVES),
        phases=draws.block(_WAVES),
    )
    cosine, sine = (value[:, None] for value in _columns(angle.cos(), angle.sin()))
    x, y = origin.unbind(1)
    plane = torch.stack((cosine * x - sine * y, sine * x + cosine * y), dim=1) + corner
    coverage = torch.empty_like(x)
    for index, name in enumerate(TEXTURES):
        chosen = textures == index
        coverage[chosen] = _PAINTERS[name](plane[chosen], look.of(chosen))
    return coverage


def _spread(values: Tensor, low: float, high: float) -> Tensor:
    """Map N numbers in [0, 1] to [low, high], shaped to broadcast over T H W."""
    return (low + (high - low) * values)[:, None, None, None]


def _checks(plane: Tensor, look: _Look) -> Tensor:
    """Paint a chequerboard with squares of 8 to 13 px."""
    side = _spread(look.size, 8.0, 13.0)
    waves = torch.sin(plane * (math.pi / side)[:, None])
    return torch.sigmoid(side * _spread(look.shape, 0.75, 1.0) * waves[:, 0] * waves[:, 1])


def _cell_distance(plane: Tensor, period: Tensor, look: _Look, jitter: float) -> Tensor:
    """Return each point's distance in px to the element of its cell, N T H W.

    Elements lie at most `jitter` periods from their cell's centre along x and along y.
    """
    grid = plane / period[:, None]
    cell = grid.floor()
    slot = (cell % _CELLS).long()
    slot = (slot[:, 0] * _CELLS + slot[:, 1]).flatten(1)
    offsets = (2 * look.offsets - 1) * jitter
    shift = torch.stack([offsets[:, axis].gather(1, slot) for axis in (0, 1)], dim=1).view_as(grid)
    away = (grid - cell - 0.5 - shift) * period[:, None]
    return away.square().sum(1).sqrt()


def _dots(plane: Tensor, look: _Look) -> Tensor:
    """Paint discs, one in each cell of 12 to 19 px."""
    period = _spread(look.size, 12.0, 19.0)
    distance = _cell_distance(plane, period, look, 0.14)
    return torch.sigmoid((period * _spread(look.shape, 0.22, 0.31) - distance) / _EDGE)


def _rings(plane: Tensor, look: _Look) -> Tensor:
    """Paint rings, one in each cell of 14 to 21 px."""
    period = _spread(look.size, 14.0, 21.0)
    distance = _cell_distance(plane, period, look, 0.10)
    radius, half_width = period * _spread(look.shape, 0.26, 0.31), period * 0.075
    return torch.sigmoid((half_width - (distance - radius).abs()) / _EDGE)


def _blobs(plane: Tensor, look: _Look) -> Tensor:
    """Paint band-passed noise: a sum of plane waves of all directions and of similar length (12 to 22 px)."""
    angle = (torch.arange(_WAVES) + look.waves[:, 0]) * (math.pi / _WAVES)
    rate = 2 * math.pi / (_spread(look.size, 14.0, 18.0)[:, :, 0, 0] * (0.85 + 0.4 * look.waves[:, 1]))
    rate_x, rate_y = _columns((rate * angle.cos())[..., None], (rate * angle.sin())[..., None])
    phase = (2 * math.pi * look.phases)[:, :, None, None, None]
    total = torch.zeros_like(plane[:, 0])
    for wave in range(_WAVES):
        total += torch.sin(rate_x[:, wave] * plane[:, 0] + rate_y[:, wave] * plane[:, 1] + phase[:, wave])
    return torch.sigmoid(total * math.sqrt(2 / _WAVES) * _spread(look.shape, 2.0, 4.0))


_PAINTERS: dict[str, Callable[[Tensor, _Look], Tensor]] = {
    "checks": _checks,
    "dots": _dots,
    "rings": _rings,
    "blobs": _blobs,
}


def _colour(draws: _Draws, coverage: Tensor) -> Tensor:
    """Return clips N 3 T H W between a dark and a light random colour, the texture being either of the two."""
    dark, light = 0.4 * draws.block(3), 1 - 0.4 * draws.block(3)
    swap = draws.sign()[:, None] > 0
    ground, figure = torch.where(swap, light, dark), torch.where(swap, dark, light)
    ground, figure = ground[:, :, None, None, None], figure[:, :, None, None, None]
    return ground + (figure - ground) * coverage[:, None]
