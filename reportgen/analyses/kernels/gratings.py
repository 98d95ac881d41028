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
    height[0, 0, 0] = 0
    axes = [
        one.double() for one in (torch.fft.fftfreq(size[0]), torch.fft.fftfreq(size[1]), torch.fft.rfftfreq(size[2]))
    ]
    found: list[tuple[float, float, float]] = []
    while len(found) < count and height.max() > 0:
        highest = torch.unravel_index(height.argmax(), height.shape)
        place = torch.stack([axis[index] for axis, index in zip(axes, highest, strict=True)])
        found.append(_refined(weights, place, 1 / torch.tensor(size, dtype=torch.float64)))
        for peak in (place, -place):
            near = [_near(*one) for one in zip(axes, peak.tolist(), weights.shape[1:], strict=True)]
            height[near[0][:, None, None], near[1][:, None], near[2]] = 0
    return found


def _near(axis: Tensor, peak: float, size: int) -> Tensor:
    """Return which frequencies of an axis a kernel of `size` cannot tell from that of a peak."""
    apart = torch.remainder(axis - peak + 0.5, 1) - 0.5
    return ((apart * size).abs() <= 1).nonzero().flatten()


def _refined(weights: Tensor, place: Tensor, step: Tensor) -> tuple[float, float, float]:
    """Return the highest point of the spectrum around a point of its grid, on ever finer grids."""
    step = torch.where(torch.tensor(weights.shape[1:]) > 1, step, 0)
    offsets = torch.tensor([-1.0, 0.0, 1.0], dtype=torch.float64)
    for _ in range(_ROUNDS):
        step = step / 2
        around = place[:, None] + offsets * step[:, None]
        height = _spectrum(weights, list(around)).abs().sum(0)
        highest = torch.unravel_index(height.argmax(), height.shape)
        place = torch.stack([axis[index] for axis, index in zip(around, highest, strict=True)])
    t, y, x = place.tolist()
    return t, y, x


def amplitudes(weights: Tensor, frequency: Sequence[float]) -> Tensor:
    """Return the complex response `C` of each colour of `weights` `C T H W` to a wave of phase 0 at their middle."""
    return _spectrum(weights, [torch.tensor([cycles], dtype=torch.float64) for cycles in frequency])[:, 0, 0, 0]


def _spectrum(weights: Tensor, axes: Sequence[Tensor]) -> Tensor:
    """Return the complex responses `C t y x` of `weights` `C T H W` to waves of all frequencies of three axes.

    Axis after axis, in products of real matrices: all frequencies of a small grid cost about as much as one.
    """
    over_t, over_y, over_x = (_waves(size, axis) for size, axis in zip(weights.shape[1:], axes, strict=True))
    found = (weights.double() @ _parts(over_x)).unflatten(-1, (-1, 2))  # C T H x 2
    found = _times(found.movedim(2, 4), over_y)  # C T x y 2
    return torch.view_as_complex(_times(found.movedim(1, 4), over_t).permute(0, 3, 2, 1, 4).contiguous())


def _times(rows: Tensor, waves: Tensor) -> Tensor:
    """Return complex `rows` `... 2 n`, real and imaginary part apart, times complex `waves` `n F` as `... F 2`."""
    real, imaginary = (rows @ _parts(waves)).unflatten(-1, (-1, 2)).unbind(-3)
    return torch.stack([real[..., 0] - imaginary[..., 1], real[..., 1] + imaginary[..., 0]], dim=-1)


def _parts(waves: Tensor) -> Tensor:
    """Return complex waves `n F` as their real and imaginary parts, one after the other, `n F*2`."""
    return torch.view_as_real(waves).flatten(1)


def _waves(size: int, frequencies: Tensor) -> Tensor:
    """Return the complex waves `size F` of some frequencies, whose phase is 0 in the middle."""
    places = torch.arange(size, dtype=torch.float64) - (size - 1) / 2
    turns = 2 * math.pi * places[:, None] * frequencies
    return torch.polar(torch.ones_like(turns), turns)


def _colour(weights: Tensor) -> Tensor:
    """Return the signs `C 1 1 1` of the colour that a kernel of `weights` `C T H W` wants."""
    return weights.sum((1, 2, 3)).sign()[:, None, None, None]


def _wave(weights: Tensor, frequency: Sequence[float], shape: Sequence[int], phase: float) -> Tensor:
    """Return a wave `C T H W` of height 1 whose colours drive the kernel together.

    It is the real part of a product of waves along each axis: the cosine of a sum takes no cosine of every pixel.
    """
    over_t, over_y, over_x = (
        _waves(size, torch.tensor([cycles], dtype=torch.float64))[:, 0]
        for size, cycles in zip(shape, frequency, strict=True)
    )
    begins = phase - amplitudes(weights, frequency).angle()
    times = torch.polar(torch.ones_like(begins), begins)[:, None] * over_t
    frame = over_y[:, None] * over_x
    planes = torch.stack([frame.real, -frame.imag]).flatten(1)
    wave: Tensor = (torch.view_as_real(times) @ planes).unflatten(-1, frame.shape)
    return wave


def _tiled_signs(weights: Tensor, shape: Sequence[int], field: Field) -> Tensor:
    """Return the signs of the weights `C T H W`, side by side over a clip of `shape`."""
    sizes = weights.shape[1:]
    period = [axis.jump * -(-size // axis.jump) for size, axis in zip(sizes, field, strict=True)]
    tile = functional.pad(weights, [n for axis in (2, 1, 0) for n in (0, period[axis] - sizes[axis])]).sign()
    repeats = [-(-size // part) for size, part in zip(shape, period, strict=True)]
    placed = tile.roll([axis.low for axis in field], (1, 2, 3))
    return placed.repeat(1, *repeats)[:, : shape[0], : shape[1], : shape[2]]
