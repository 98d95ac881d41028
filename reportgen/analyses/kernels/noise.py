"""What kernels answer to noise: in whose spread activations are told, and which of them are seldom heard."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass(frozen=True)
class NoiseAnswers:
    """Each kernel's pre-activation over all positions of noise clips, told by three values `K`.

    `spread` is its standard deviation, the unit in which activations are set against the penalties; 1 for a kernel
    that noise has not `moved`. `fires` is the mean of what a ReLU passes on, in that unit.
    """

    spread: Tensor
    moved: Tensor
    fires: Tensor

    @classmethod
    def of(cls, answers: Iterable[Tensor]) -> NoiseAnswers:
        """Return them from maps `1 K ...` of some clips of one shape, of which one is held at a time."""
        means, squares, fired = [], [], []
        for maps in answers:
            values = maps.flatten(2)[0] if maps.ndim > 2 else maps[0, :, None]
            values = values.to(torch.promote_types(maps.dtype, torch.float32))
            mean = values.mean(1)
            fired.append((mean + values.abs().mean(1)) / 2)  # half of x + |x|
            squares.append((values - mean[:, None]).square_().mean(1))  # about the mean, or rounding would move it
            means.append(mean)
        centres = torch.stack(means)
        spread = (torch.stack(squares) + (centres - centres.mean(0)).square()).mean(0).sqrt()
        moved = spread > torch.finfo(maps.dtype).eps
        spread = torch.where(moved, spread, torch.ones_like(spread))
        return cls(spread.to(maps.dtype), moved, torch.stack(fired).mean(0) / spread)
