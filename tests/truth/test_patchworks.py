"""Planted kernels that want something else at each place of the clip: the search finds the whole patchwork.

Their optimum is known by construction: the last layer reads each piece at places whose units see that piece's own
pixels alone, so that it is the sum of what the best pieces reach. A piece is a moving grating for one kernel, or blobs
that lie side by side, of which each is the sign of its kernel.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass

import pytest
import torch
from torch import Tensor, nn

from reportgen import maximize_activation
from reportgen.networks.core.network import as_network
from reportgen.networks.kernels.preactivation import preactivation
from reportgen.networks.kernels.receptive_field import geometry

SIZE = (3, 7, 7)
"""Of the first layer's kernels, T H W."""

FRAMES, SIDE = 6, 16
"""Of a piece."""


@dataclass(frozen=True)
class Moving:
    """A grating that moves along the direction `angle` by `speed` px/frame."""

    angle: float
    period: float
    speed: float

    def wave(self, shape: Sequence[int], turn: float = 0.0, longer: float = 1.0, faster: float = 1.0) -> Tensor:
        """Return it as `T H W` about 0, 0 turned in the middle."""
        t, y, x = torch.meshgrid(*[torch.arange(n) - (n - 1) / 2 for n in shape], indexing="ij")
        along = x * math.cos(self.angle) + y * math.sin(self.angle) - self.speed * faster * t
        return torch.cos(2 * math.pi / (self.period * longer) * along + turn)

    def kernel(self) -> Tensor:
        return without_grey(self.wave(SIZE))

    def read(self) -> tuple[slice, slice]:
        """Return which units of a piece are read, in time and along either side."""
        return slice(None), slice(None)

    def best(self, kernel: Tensor) -> float:
        """Return the mean over a piece of what the best black-and-white grating about its own drives `kernel` by."""
        lengths, speeds = (0.85, 0.9, 0.95, 1.0, 1.05, 1.1, 1.15), (0.9, 1.0, 1.1)
        tries = itertools.product((math.pi / 4 * turn for turn in range(8)), lengths, speeds)
        waves = torch.stack([self.wave((FRAMES, SIDE, SIDE), *one) for one in tries])
        pieces = (waves > 0).to(kernel)[:, None]
        return float(nn.functional.conv3d(pieces, kernel[None, None]).relu().mean((1, 2, 3, 4)).max())


@dataclass(frozen=True)
class Blobs:
    """Spots of `radius` px, bright on dark ground for `sign` 1 and dark on bright ground for -1."""

    radius: float
    sign: int

    def kernel(self) -> Tensor:
        _, y, x = torch.meshgrid(*[torch.arange(n) - (n - 1) / 2 for n in SIZE], indexing="ij")
        return without_grey(self.sign * torch.where(x.square() + y.square() <= self.radius**2, 1.0, -0.5))

    def read(self) -> tuple[slice, slice]:
        """Return which units of a piece are read: those that share no pixel."""
        return slice(None, None, SIZE[0]), slice(None, None, SIZE[1])

    def best(self, kernel: Tensor) -> float:
        """Return what the signs of `kernel` drive it by."""
        return float(kernel.clamp_min(0).sum())


Piece = Moving | Blobs


def without_grey(pattern: Tensor) -> Tensor:
    """Return a kernel `T H W` of a pattern in a soft window, without a response to even grey."""
    t, y, x = torch.meshgrid(*[torch.linspace(-1, 1, n) for n in SIZE], indexing="ij")
    window = torch.exp(-((1.3 * t) ** 2) - (1.25 * y) ** 2 - (1.25 * x) ** 2)
    return window * pattern - window * (window * pattern).sum() / window.sum()


def patchwork(pieces: Sequence[Piece], orders: Sequence[Sequence[int]], rows: int, *, linear: bool) -> nn.Module:
    """Return a network whose last layer has a kernel for each order of the `pieces` on the clip, row by row.

    Each piece counts by its share of the best that it can reach: the optimum of a kernel is 1. The last layer is a
    `linear` one, or a convolution as large as its map.
    """
    columns = len(pieces) // rows
    first = nn.Conv3d(1, len(pieces), SIZE, bias=False)
    frames, height, width = FRAMES - SIZE[0] + 1, rows * SIDE - SIZE[1] + 1, columns * SIDE - SIZE[2] + 1
    last = nn.Conv3d(len(pieces), len(orders), (frames, height, width), bias=False)
    nn.init.zeros_(last.weight)
    for own, piece in zip(first.weight, pieces, strict=True):
        own[0] = piece.kernel()
    units = SIDE - SIZE[1] + 1
    for weights, order in zip(last.weight, orders, strict=True):
        for place, number in enumerate(order):
            top, left = (SIDE * at for at in divmod(place, columns))
            times, sides = pieces[number].read()
            read = weights[number, times, top : top + units, left : left + units][:, sides, sides]
            read.fill_(1 / (read.numel() * len(pieces) * pieces[number].best(first.weight[number, 0])))
    if not linear:
        return nn.Sequential(first, nn.ReLU(), last).eval()
    flat = nn.Linear(last.weight[0].numel(), len(orders), bias=False)
    flat.weight.copy_(last.weight.flatten(1))
    return nn.Sequential(first, nn.ReLU(), nn.Flatten(), flat).eval()


def reached(network: nn.Module, kernels: int, shape: tuple[int, int, int], **options: int) -> Tensor:
    layer = str(len(network) - 1)  # type: ignore[arg-type]
    network.requires_grad_(False)
    found = maximize_activation(network, layer, range(kernels), objective="firing", clip_shape=shape, **options)  # type: ignore[arg-type]
    assert torch.allclose(network(found.clips).flatten(1).diagonal(), found.activations, rtol=1e-4)
    return found.activations


FOUR = (Moving(0, 6, 1), Moving(math.pi / 2, 8, -1), Moving(math.pi / 4, 7, 0), Blobs(2.4, 1))


@pytest.mark.parametrize("linear", [False, True], ids=["convolution", "linear"])
@torch.no_grad()
def test_a_patchwork_of_four_pieces_is_reached(linear: bool) -> None:
    network = patchwork(FOUR, [(0, 1, 2, 3), (3, 2, 1, 0)], rows=2, linear=linear)
    assert float(reached(network, 2, (FRAMES, 2 * SIDE, 2 * SIDE), steps=64).min()) >= 0.85


def drawn(generator: torch.Generator, count: int) -> list[Piece]:
    """Return pieces of any direction, period, speed and spots, two of three of them gratings."""

    def between(low: float, high: float) -> float:
        return low + (high - low) * float(torch.rand((), generator=generator))

    pieces: list[Piece] = []
    for number in range(count):
        if number % 3 == 2:
            pieces.append(Blobs(between(1.5, 3), 1 if between(0, 1) < 0.5 else -1))
        else:
            pieces.append(Moving(between(0, 2 * math.pi), between(5, 9), between(0, 1.5)))
    return pieces


@pytest.mark.long
@pytest.mark.parametrize("linear", [False, True], ids=["convolution", "linear"])
@pytest.mark.parametrize("seed", range(5))
@torch.no_grad()
def test_patchworks_of_six_pieces_are_reached(seed: int, linear: bool) -> None:
    generator = torch.Generator().manual_seed(seed)
    orders = [torch.randperm(6, generator=generator).tolist() for _ in range(4)]
    network = patchwork(drawn(generator, 6), orders, rows=2, linear=linear)
    assert float(reached(network, 4, (FRAMES, 2 * SIDE, 3 * SIDE), steps=96, seed=seed).min()) >= 0.85


@torch.no_grad()
def test_a_layer_that_weighs_places_is_shifted_by_nothing_and_one_that_pools_them_freely() -> None:
    shape = (FRAMES, 2 * SIDE, 2 * SIDE)

    def steps(network: nn.Module, layer: str) -> tuple[int, int, int]:
        return geometry(preactivation(as_network(network), layer, shape, 1)).steps

    for linear, last in ((False, "2"), (True, "3")):
        network = patchwork(FOUR, [(0, 1, 2, 3)], rows=2, linear=linear)
        assert steps(network, "0") == (1, 1, 1)
        assert steps(network, last) == shape
        further = nn.Sequential(*network, nn.ReLU(), nn.Flatten(), nn.Linear(1, 2))
        assert steps(further, str(len(further) - 1)) == shape
    pooled = nn.Sequential(nn.Conv3d(1, 4, 3), nn.ReLU(), nn.AdaptiveAvgPool3d(1), nn.Flatten(), nn.Linear(4, 2))
    assert steps(pooled.eval(), "4") == (1, 1, 1)
    padded = nn.Sequential(nn.Conv3d(1, 4, 3, padding=1), nn.MaxPool3d((3, 16, 16)), nn.Conv3d(4, 2, 3, padding=1))
    assert steps(padded.eval(), "2") == (1, 1, 1)
