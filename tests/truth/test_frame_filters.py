"""First layers that are given single frames: their kernels are filters, and their clips are the best gratings."""

from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor, nn

from reportgen import maximize_activation

SIDE, SIZE = 32, 9
WAVES = ((5.0, 0.3, (1.0, 1.0, 1.0)), (6.0, 1.2, (1.0, -1.0, 0.2)), (7.0, 2.2, (0.3, 0.5, -1.0)))
"""Length in px, direction in radians, and weight of each colour."""


def planted() -> Tensor:
    """Return three Gabor kernels `3 C H W` without a response to even grey."""
    y, x = torch.meshgrid(*[torch.arange(SIZE) - (SIZE - 1) / 2] * 2, indexing="ij")
    window = torch.exp(-((2.5 * x / SIZE) ** 2) - (2.5 * y / SIZE) ** 2)
    kernels = []
    for length, angle, colour in WAVES:
        wave = window * torch.cos(2 * math.pi / length * (x * math.cos(angle) + y * math.sin(angle)))
        kernels.append(torch.tensor(colour)[:, None, None] * (wave - window * wave.sum() / window.sum()))
    return torch.stack(kernels)


class Framewise(nn.Module):
    """A 2D convolution of each frame, and the mean over frames."""

    def __init__(self) -> None:
        super().__init__()
        self.stem, self.head = nn.Conv2d(3, len(WAVES), SIZE, bias=False), nn.Linear(len(WAVES), 2)
        self.stem.weight.data = planted()

    def forward(self, clips: Tensor) -> Tensor:
        return self.head(self.frames(clips).relu().mean((1, 3, 4)))

    def frames(self, clips: Tensor) -> Tensor:
        """Return the stem's maps `N T K H W`."""
        raise NotImplementedError


class Folded(Framewise):
    def frames(self, clips: Tensor) -> Tensor:
        return self.stem(clips.transpose(1, 2).flatten(0, 1)).unflatten(0, (len(clips), -1))


class Looped(Framewise):
    def frames(self, clips: Tensor) -> Tensor:
        return torch.stack([self.stem(frame) for frame in clips.unbind(2)], 1)


class Differences(Framewise):
    """Each frame less the one before: a moving wave of any speed drives it, and a still one does not."""

    def frames(self, clips: Tensor) -> Tensor:
        return self.stem(clips.diff(dim=2).transpose(1, 2).flatten(0, 1)).unflatten(0, (len(clips), -1))


def best_gratings(kernels: Tensor) -> Tensor:
    """Return the mean rectified response of each kernel to the black-and-white grating that drives it most."""
    y, x = torch.meshgrid(*[torch.arange(SIDE) - (SIDE - 1) / 2] * 2, indexing="ij")
    best = []
    for kernel, (length, angle, colour) in zip(kernels, WAVES, strict=True):
        across = x * math.cos(angle) + y * math.sin(angle)
        waves = [
            torch.cos(2 * math.pi / (length * longer) * across + turn)
            for longer in (0.85, 0.9, 0.95, 1.0, 1.05, 1.1)
            for turn in (0.0, 0.7, 1.4)
        ]
        gratings = (torch.stack(waves)[:, None] * torch.tensor(colour)[:, None, None] > 0).float()
        best.append(torch.conv2d(gratings, kernel[None]).relu().flatten(1).mean(1).max())
    return torch.stack(best)


@pytest.mark.parametrize("kind", [Folded, Looped])
def test_the_best_clip_is_nearly_the_best_grating(kind: type[Framewise]) -> None:
    network = kind().eval().requires_grad_(False)
    found = maximize_activation(network, "stem", range(3), objective="firing", clip_shape=(4, SIDE, SIDE), steps=48)
    assert (found.activations / best_gratings(planted())).min() >= 0.9


def test_differences_of_frames_are_driven_by_waves_that_move() -> None:
    network = Differences().eval().requires_grad_(False)
    found = maximize_activation(network, "stem", range(3), objective="firing", clip_shape=(4, SIDE, SIDE), steps=48)
    # Where the next frame is the opposite of this one, the difference is twice the wave about grey.
    assert (found.activations / (2 * best_gratings(planted()))).min() >= 0.9
