"""How a clip is written as free parameters: space-time frequencies or pixels, decorrelated colours, and its bounds.

The parameters are dimensionless: a learning rate of 0.05 moves the unbounded pixels by about 0.05 standard deviations
a step, whatever the basis, the canvas or the colour axis.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Literal

import torch
from torch import Tensor

from reportgen.analyses.kernels.parameters import Basis

Constraint = Literal["box", "ball"]

_PATTERN = 1 / 8  # cycles/px
_SLOPE_BACK = 0.1  # a sigmoid's slope is 0.25 at grey

# Standard deviations along the principal axes of the RGB values of ImageNet, relative to the first: the square roots
# of the eigenvalues 0.2175, 0.0188, 0.0045 of their covariance (the analysis of Krizhevsky et al. 2012, section 4.1).
# The axes themselves are luminance, blue against red and green against magenta to within three degrees.
_AXES = ((1.0, 1.0, 1.0), (1.0, 0.0, -1.0), (1.0, -2.0, 1.0))
_EIGENVALUES = (0.2175, 0.0188, 0.0045)


def colour_matrix(channels: int, *, dtype: torch.dtype = torch.float32) -> Tensor:
    """Return the matrix that gives decorrelated colours `C` the covariance of natural RGB; its largest gain is 1.

    Clips that do not have three channels are left as they are.
    """
    if channels != 3:
        return torch.eye(channels, dtype=dtype)
    axes = torch.tensor(_AXES, dtype=dtype)
    axes = axes / axes.norm(dim=1, keepdim=True)
    gains = torch.tensor(_EIGENVALUES, dtype=dtype).sqrt()
    matrix: Tensor = (axes * (gains / gains[0])[:, None]).T * math.sqrt(3)
    return matrix


@dataclass(frozen=True)
class Canvas:
    """A clip of `channels` and `shape` (T, H, W) as a function of free parameters.

    `power` is d and `temporal_weight` c in the gain of a frequency, 1 / max(sqrt(fx^2 + fy^2 + (c ft)^2),
    1 / max(T, H, W))^d, frequencies in cycles/px and cycles/frame (only for the basis "fft"). Without
    `prior` all frequencies have one gain but for the mean colour, which keeps its own beside that of a pattern of 8 px:
    it would hardly rise where views disagree about the patterns. The constraint "box" ends in a sigmoid: pixels in
    [0, 1]; "ball" scales each clip to the L2 norm `radius` and has no other bound.
    """

    channels: int
    shape: tuple[int, int, int]
    basis: Basis = "fft"
    constraint: Constraint = "box"
    radius: float = 1.0
    power: float = 1.0
    temporal_weight: float = 1.0
    decorrelated: bool = True
    prior: bool = True
    device: torch.device = field(default_factory=lambda: torch.device("cpu"))
    dtype: torch.dtype = torch.float32

    @property
    def parameter_shape(self) -> tuple[int, ...]:
        """Shape of one clip's parameters, without the batch."""
        frames, height, width = self.shape
        if self.basis == "pixels":
            return (self.channels, frames, height, width)
        return (self.channels, frames, height, width // 2 + 1, 2)

    @cached_property
    def gain(self) -> Tensor:
        """Gain of each frequency, `T H W//2+1 1`, such that white parameters give pixels of unit variance."""
        frames, height, width = self.shape
        ft = torch.fft.fftfreq(frames, dtype=torch.float64)[:, None, None]
        fy = torch.fft.fftfreq(height, dtype=torch.float64)[None, :, None]
        fx = torch.fft.rfftfreq(width, dtype=torch.float64)[None, None, :]
        frequency = torch.sqrt(fx**2 + fy**2 + (self.temporal_weight * ft) ** 2)
        frequency = frequency.clamp_min(1 / max(self.shape))
        gain = (frequency / _PATTERN).pow(-self.power if self.prior else 0.0)
        gain[0, 0, 0] = (frequency[0, 0, 0] / _PATTERN) ** -self.power
        # A column stands for two conjugate frequencies, but for the first and (for an even width) the last, of which
        # the inverse transform takes the real part only. A complex number of white parameters has the power 2.
        weight = torch.full((width // 2 + 1,), 2.0, dtype=torch.float64)
        weight[0] = 0.5
        if width % 2 == 0:
            weight[-1] = 0.5
        power = (2 * gain.square() * weight).sum() / (frames * height * width)
        return (gain / power.sqrt())[..., None].to(self.device, self.dtype)

    @cached_property
    def colours(self) -> Tensor | None:
        """The colour matrix `C C`, or None when colours are left as they are."""
        if not self.decorrelated or self.channels != 3:
            return None
        return colour_matrix(self.channels, dtype=self.dtype).to(self.device)

    def initial(self, generator: torch.Generator, deviation: float) -> Tensor:
        """Return the parameters of one noise clip whose unbounded pixels have the given standard deviation."""
        noise = torch.randn(self.parameter_shape, generator=generator, dtype=torch.float64)
        return (noise * deviation).to(self.device, self.dtype)

    def unbounded(self, parameters: Tensor, shifts: Tensor | None = None) -> Tensor:
        """Return the pixels `N C T H W` before the constraint, each sample shifted on the periodic canvas.

        `shifts` are `N 3` whole numbers (frames, px down, px right); they stay tensors throughout, as CUDA graphs
        need.
        """
        if self.basis == "fft":
            spectrum = torch.view_as_complex(parameters * self.gain)
            if shifts is not None:
                spectrum = spectrum * self._phases(shifts)
            pixels: Tensor = torch.fft.irfftn(spectrum, s=self.shape, dim=(-3, -2, -1), norm="ortho")
        else:
            pixels = parameters if shifts is None else _rolled(parameters, shifts)
        if self.colours is not None:
            pixels = (self.colours @ pixels.flatten(2)).reshape(pixels.shape)
        return pixels

    def deviation(self, parameters: Tensor) -> Tensor:
        """Return the root mean square `N` of the decorrelated, unbounded pixels that parameters stand for (Parseval).

        Of the first and the last column of frequencies the real transform takes only the Hermitian part: there it is
        an upper bound.
        """
        if self.basis == "pixels":
            return parameters.flatten(1).square().mean(1).sqrt()
        power = (parameters * self.gain).square().sum(-1)
        columns = power.sum((1, 2, 3))
        twice = columns[:, 1 : (self.shape[2] + 1) // 2].sum(1)
        total: Tensor = (columns.sum(1) + twice) / (self.channels * math.prod(self.shape))
        return total.sqrt()

    def _phases(self, shifts: Tensor) -> Tensor:
        """Return the factors `N 1 T H W//2+1` that shift each sample's spectrum (the shift theorem)."""
        waves = []
        for axis, size in enumerate(self.shape):
            cycles = torch.arange(size // 2 + 1 if axis == 2 else size, device=shifts.device, dtype=shifts.dtype)
            # The whole turns are taken off first: in float32 a large angle has lost its last digits.
            turns = torch.remainder(cycles * shifts[:, axis, None], size) / size
            waves.append(torch.polar(torch.ones_like(turns), -2 * math.pi * turns))
        t, y, x = waves
        phases: Tensor = t[:, :, None, None] * y[:, None, :, None] * x[:, None, None, :]
        return phases.unsqueeze(1)

    def bounded(self, pixels: Tensor, *, leads_back: bool = False) -> Tensor:
        """Return clips `N C T H W` of unbounded pixels, or of any view of them, within the constraint.

        With `leads_back` a black or white pixel can be left again by its gradient, which then is not quite the
        clips' own.
        """
        if self.constraint == "box":
            clips: Tensor = _Box.apply(pixels) if leads_back else torch.sigmoid(pixels)  # type: ignore[no-untyped-call, unused-ignore]
            return clips
        norm = torch.linalg.vector_norm(pixels.flatten(1), dim=1).clamp_min(torch.finfo(pixels.dtype).tiny)
        clips = pixels * (self.radius / norm).view(-1, 1, 1, 1, 1)
        return clips

    def faded(self, parameters: Tensor, share: Tensor) -> Tensor:
        """Return the parameters of the same clips with their mean colour, and of all else a `share` `N 1 ...`."""
        if self.basis == "pixels":
            mean = parameters.mean((2, 3, 4), keepdim=True)
            return mean + (parameters - mean) * share
        faded = parameters * share
        faded[:, :, 0, 0, 0] = parameters[:, :, 0, 0, 0]
        return faded

    def parameters_of(self, pixels: Tensor) -> Tensor:
        """Return the parameters of unbounded pixels `N C T H W`, the inverse of `unbounded`."""
        if self.colours is not None:
            pixels = (torch.linalg.inv(self.colours) @ pixels.flatten(2)).unflatten(2, self.shape)
        if self.basis == "pixels":
            return pixels
        spectrum = torch.fft.rfftn(pixels, dim=(-3, -2, -1), norm="ortho")
        parameters: Tensor = torch.view_as_real(spectrum) / self.gain
        return parameters


class _Box(torch.autograd.Function):
    """A sigmoid that a descent can leave again.

    Where it is nearly black or white a sigmoid has no slope, and a pixel that is so by mistake (all colours rise
    together at first, for luminance has the largest gain) would stay. A gradient that leads back to grey therefore
    finds at least `_SLOPE_BACK`; one that leads further out finds the sigmoid's own slope. Where views disagree this
    weighs those more that want grey: to settle, an optimisation needs the plain sigmoid.
    """

    @staticmethod
    def forward(ctx: Any, pixels: Tensor) -> Tensor:
        values = torch.sigmoid(pixels)
        ctx.save_for_backward(values)
        return values

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> Tensor:
        (values,) = ctx.saved_tensors
        slope = values * (1 - values)
        back = gradient * (values - 0.5) > 0
        return gradient * torch.maximum(slope, back.to(slope) * _SLOPE_BACK)


def _rolled(pixels: Tensor, shifts: Tensor) -> Tensor:
    """Return `pixels` `N C T H W`, each sample rolled by its `shifts` `N 3`."""
    for axis in range(3):
        size, dim = pixels.shape[2 + axis], 2 + axis
        source = torch.remainder(torch.arange(size, device=pixels.device) - shifts[:, axis, None], size).long()
        shape = [len(pixels), 1, 1, 1, 1]
        shape[dim] = size
        pixels = pixels.gather(dim, source.view(shape).expand_as(pixels))
    return pixels
