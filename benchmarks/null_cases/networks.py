"""Small networks, clips and responses that the cases share; all from a seed."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812 (torch's own convention)

KERNELS, CLASSES = 24, 5
FRAMES, SIDE = 6, 12


def untrained(seed: int) -> nn.Sequential:
    """Two layers of random kernels and a classifier."""
    torch.manual_seed(seed)
    return nn.Sequential(
        nn.Conv3d(1, KERNELS, 3), nn.ReLU(), nn.Conv3d(KERNELS, KERNELS, 1), nn.ReLU(),
        nn.AdaptiveAvgPool3d(1), nn.Flatten(), nn.Linear(KERNELS, CLASSES),
    ).eval().requires_grad_(False)  # fmt: skip


def textures(count: int, seed: int) -> Tensor:
    """Clips N 1 T H W of noise in [0, 1], each of its own coarseness, contrast and speed."""
    generator = torch.Generator().manual_seed(seed)
    found = []
    for _ in range(count):
        cells = int(torch.randint(3, SIDE + 1, (1,), generator=generator))
        still = F.interpolate(torch.rand((1, 1, cells, cells), generator=generator), size=(SIDE, SIDE))[0, 0]
        speed = int(torch.randint(-2, 3, (1,), generator=generator))
        contrast = 0.2 + 0.8 * torch.rand(1, generator=generator)
        moved = torch.stack([torch.roll(still, speed * frame, dims=-1) for frame in range(FRAMES)])
        found.append(0.5 + contrast * (moved - 0.5))
    return torch.stack(found).unsqueeze(1)


def layer_responses(network: nn.Module, clips: Tensor) -> tuple[Tensor, Tensor]:
    """The responses N K of the two layers' kernels: means of their rectified maps."""
    layers = list(network.children())
    with torch.no_grad():
        first = layers[1](layers[0](clips))
        second = layers[3](layers[2](first))
    return first.mean((2, 3, 4)), second.mean((2, 3, 4))
