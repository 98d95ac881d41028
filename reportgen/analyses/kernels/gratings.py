"""The simple patterns that a kernel answers to most, as places for its search to go on from.

A kernel that sees pixels directly is a filter, and of all moving gratings the one at the peak of its spectrum drives
it most. A search from noise ends in patches of that grating with seams between them, and on a periodic clip only speeds
of whole periods exist: a few frames know but a few. These patterns have neither fault.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor
from torch.nn import functional

from reportgen.networks.kernels.receptive_field import Field

_OVERSAMPLED = 8
_LARGEST_SPECTRUM = 1 << 20
_ROUNDS = 6  # each of half the step before
_CONTRAST = 6.0  # a sigmoid of 6 is 0.998
BINARY = 24.0  # of which all but a hundredth of a wave is black or white
_FASTEST = 8  # px/frame that are tried
_PHASES = 4  # within a px
_COLOURS = 3  # channels, of which all colours are tried
_TINT = 2.0  # of the mean colour behind a grating: where it is added, neither is lost


@dataclass(frozen=True)
class Grating:
    """A moving grating for a kernel of `weights` `C T H W`, each colour in the phase that the kernel wants.

    `frequency` is in cycles/frame, cycles/px down and cycles/px right; `phase`, in radians, is where it begins. With
    `tinted` it lies upon the colour that the kernel wants.
    """

    weights: Tensor
    frequency: tuple[float, float, float]
    phase: float
    tinted: bool = False
    contrast: float = _CONTRAST

    def drawn(self, shape: tuple[int, int, int]) -> Tensor:
        """Return it as unbounded pixels `C T H W` of `shape` on the CPU."""
        wave = _wave(self.weights, self.frequency, shape, self.phase)
        if self.tinted:
            wave = wave + _TINT / _CONTRAST * _colour(self.weights)
        return (self.contrast * wave).float()

    def neighbours(self, step: float) -> list[Grating]:
        """Return gratings `step` of what a kernel can tell apart from this one, along each axis and in length."""
        moved = [replace(self, contrast=BINARY)] if self.contrast < BINARY else []
        for axis, size in enumerate(self.weights.shape[1:]):
            for change in (step / size, -step / size) if size > 1 else ():
                moved.append(self._at([f + change * (axis == one) for one, f in enumerate(self.frequency)]))
        return moved + [self._at([f * longer for f in self.frequency]) for longer in (1 - step / 2, 1 + step / 2)]

    def even(self, shape: tuple[int, int, int]) -> list[Grating]:
        """Return gratings close by that are the same in every period of a clip of `shape`, or frame after frame.

        They have whole periods on the clip, or move by whole px along an axis: where pixels are black or white, all
        units along the way are then given the same. Of those, each begins in several phases within a px, for one in
        which the edges fall on pixels has grey ones everywhere.
        """
        t, y, x = self.frequency
        found = [self._at([round(f * size) / size for f, size in zip(self.frequency, shape, strict=True)])]
        for across in (y, x):
            if abs(across) > abs(t) / (2 * _FASTEST):
                found.append(self._at([across * round(t / across), y, x]))
        return [one.shifted(part / _PHASES) for one in found for part in range(_PHASES)]

    def shifted(self, px: float) -> Grating:
        """Return it `px` further along the axis on which it changes most."""
        cycles = max(self.frequency[1:], key=abs)
        return replace(self, phase=self.phase + 2 * math.pi * px * cycles)

    def _at(self, frequency: Sequence[float]) -> Grating:
        t, y, x = frequency
        return replace(self, frequency=(t, y, x))


@dataclass(frozen=True)
class Plain:
    """One `colour` alone, of which each channel is dark (-1), grey (0) or bright (1): `C 1 1 1`."""

    colour: Tensor

    def drawn(self, shape: tuple[int, int, int]) -> Tensor:
        """Return it as unbounded pixels `C T H W` of `shape` on the CPU."""
        return (_CONTRAST * self.colour.expand(-1, *shape)).float()


@dataclass(frozen=True)
class TiledSigns:
    """The signs of a kernel's `weights` `C T H W` side by side, where units of its `field` look that share nothing."""

    weights: Tensor
    field: Field

    def drawn(self, shape: tuple[int, int, int]) -> Tensor:
        """Return them as unbounded pixels `C T H W` of `shape` on the CPU."""
        return (_CONTRAST * _tiled_signs(self.weights, shape, self.field)).float()


Pattern = Grating | Plain | TiledSigns


def simple_patterns(weights: Tensor, field: Field | None, phase: float, count: int = 4) -> list[Pattern]:
    """Return the simple patterns that may drive a kernel of `weights` `C T H W` most.

    They are gratings at the `count` highest peaks of its spectrum, alone and upon the colour that the kernel wants;
    that colour alone; and the kernel's own signs, where the `field` of its units is known. `phase`, in radians, is
    where the gratings begin.
    """
    weights = weights.double()
    waves = [Grating(weights, peak, phase) for peak in peaks(weights, count)]
    tiled = [TiledSigns(weights, field)] if field is not None else []
    return [*waves, *(replace(wave, tinted=True) for wave in waves), Plain(_colour(weights)), *tiled]


def plain_colours(channels: int) -> list[Plain]:
    """Return all colours of channels that are dark or bright; of more than three channels, dark and bright alone."""
    signs = itertools.product((-1.0, 1.0), repeat=channels if channels <= _COLOURS else 1)
    return [Plain(torch.tensor(one).expand(channels)[:, None, None, None]) for one in signs]


def peaks(weights: Tensor, count: int = 4) -> list[tuple[float, float, float]]:
    """Return the frequencies (cycles/frame, cycles/px down, cycles/px right) of a kernel's `count` highest peaks.

    Colours count together, as the sum of their amplitudes; of each frequency and its opposite, one is given. Peaks
    are further apart than the kernel can tell, and the frequency 0 is none.
    """
    over = _OVERSAMPLED
    while over > 1 and math.prod(over * size for size in weights.shape[1:]) > _LARGEST_SPECTRUM:
        over //= 2
    size = [over * axis if axis > 1 else 1 for axis in weights.shape[1:]]
    height = torch.fft.rfftn(weights, s=size, dim=(-3, -2, -1)).abs().sum(0)
    axes = [torch.fft.fftfreq(size[0]), torch.fft.fftfreq(size[1]), torch.fft.rfftfreq(size[2])]
    grid = torch.stack(torch.meshgrid(*[axis.double() for axis in axes], indexing="ij"), -1)
    lobe = torch.tensor(weights.shape[1:], dtype=torch.float64)
    height = height * ((grid * lobe).square().sum(-1) > 0)
    found: list[tuple[float, float, float]] = []
    while len(found) < count and height.max() > 0:
        place = grid.flatten(0, 2)[int(height.argmax())]
        found.append(_refined(weights, place, 1 / torch.tensor(size, dtype=torch.float64)))
        for peak in (place, -place):
            apart = torch.remainder(grid - peak + 0.5, 1) - 0.5
            height = height * ((apart * lobe).abs().amax(-1) > 1)
    return found


def _refined(weights: Tensor, place: Tensor, step: Tensor) -> tuple[float, float, float]:
    """Return the highest point of the spectrum around a point of its grid, on ever finer grids."""
    offsets = torch.tensor([(t, y, x) for t in (-1, 0, 1) for y in (-1, 0, 1) for x in (-1, 0, 1)], dtype=torch.float64)
    step = torch.where(torch.tensor(weights.shape[1:]) > 1, step, 0)
    for _ in range(_ROUNDS):
        step = step / 2
        around = place + offsets * step
        place = around[int(torch.stack([amplitudes(weights, one).abs().sum() for one in around]).argmax())]
    t, y, x = place.tolist()
    return t, y, x


def amplitudes(weights: Tensor, frequency: Sequence[float] | Tensor) -> Tensor:
    """Return the complex response `C` of each colour of `weights` `C T H W` to a wave of phase 0 at their middle."""
    found = weights.to(torch.complex128)
    for axis, cycles in zip((3, 2, 1), reversed(list(frequency)), strict=True):
        places = torch.arange(weights.shape[axis], dtype=torch.float64) - (weights.shape[axis] - 1) / 2
        found = found @ torch.polar(torch.ones_like(places), 2 * math.pi * float(cycles) * places)
    return found


def _colour(weights: Tensor) -> Tensor:
    """Return the signs `C 1 1 1` of the colour that a kernel of `weights` `C T H W` wants."""
    return weights.sum((1, 2, 3)).sign()[:, None, None, None]


def _wave(weights: Tensor, frequency: Sequence[float], shape: Sequence[int], phase: float) -> Tensor:
    """Return a wave `C T H W` of height 1 whose colours drive the kernel together."""
    places = torch.meshgrid(*[torch.arange(n, dtype=torch.float64) - (n - 1) / 2 for n in shape], indexing="ij")
    turns = sum((cycles * axis for cycles, axis in zip(frequency, places, strict=True)), torch.zeros(tuple(shape)))
    own = torch.stack([2 * math.pi * turns + phase - angle for angle in amplitudes(weights, frequency).angle()])
    return torch.cos(own)


def _tiled_signs(weights: Tensor, shape: Sequence[int], field: Field) -> Tensor:
    """Return the signs of the weights `C T H W`, side by side over a clip of `shape`."""
    sizes = weights.shape[1:]
    period = [axis.jump * -(-size // axis.jump) for size, axis in zip(sizes, field, strict=True)]
    tile = functional.pad(weights, [n for axis in (2, 1, 0) for n in (0, period[axis] - sizes[axis])]).sign()
    repeats = [-(-size // part) for size, part in zip(shape, period, strict=True)]
    placed = tile.roll([axis.low for axis in field], (1, 2, 3))
    return placed.repeat(1, *repeats)[:, : shape[0], : shape[1], : shape[2]]
