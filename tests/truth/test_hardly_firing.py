"""Planted kernels that hardly fire, or not at all on noise: the search finds what drives them all the same."""

from __future__ import annotations

import itertools
import math
import zlib
from collections.abc import Sequence
from contextlib import AbstractContextManager
from functools import partial
from typing import Self

import pytest
import torch
from torch import Tensor, nn

from reportgen import maximize_activation
from reportgen.analyses.kernels.ascent import Ascent, Climber
from reportgen.progress import SilentProgress, Task

SHAPE = (16, 40, 40)
PERIOD = 8  # px
SPEEDS = (0.5, 1.0, 2.0)  # px/frame, to the right
QUADRATURE = [step * math.pi / 2 for step in range(4)]


def phases(shape: tuple[int, int, int], speed: float, period: float = PERIOD) -> Tensor:
    """Return the phase of a moving grating `T H W`, 0 in the middle."""
    t, _, x = torch.meshgrid(*[torch.arange(n) - (n - 1) / 2 for n in shape], indexing="ij")
    return 2 * math.pi / period * (x - speed * t)


def gabors(turns: list[float]) -> nn.Conv3d:
    """Return a layer with kernels of each speed in each phase, without a response to even grey."""
    size = (5, 7, 7)
    t, y, x = torch.meshgrid(*[torch.linspace(-1, 1, n) for n in size], indexing="ij")
    window = torch.exp(-((1.3 * t) ** 2) - (1.25 * y) ** 2 - (1.25 * x) ** 2)
    layer = nn.Conv3d(1, len(SPEEDS) * len(turns), size)
    for kernel, (speed, turn) in zip(layer.weight.data, itertools.product(SPEEDS, turns), strict=True):
        wave = window * torch.cos(phases(size, speed) + turn)
        kernel[0] = wave - window * wave.sum() / window.sum()
    layer.bias.data.zero_()
    return layer


def responses(network: nn.Module, own: int = 1) -> list[Tensor]:
    """Return the maps `M K P` of each kernel's `own` channels, of black-and-white gratings about its speed."""
    found = []
    for kernel, speed in enumerate(SPEEDS):
        tries = itertools.product((0.9, 1.0, 1.1), (0.85, 0.95, 1.0, 1.05, 1.15))
        waves = [phases(SHAPE, speed * faster, PERIOD * longer) for faster, longer in tries]
        gratings = torch.stack([(torch.cos(wave + 0.3) > 0).float() for wave in waves])[:, None]
        with torch.no_grad():
            found.append(network(gratings)[:, own * kernel : own * kernel + own].flatten(2))
    return found


def raised(network: nn.Module, layer: nn.Conv3d, share: float, own: int = 1) -> None:
    """Put the thresholds of a layer, the last of a network, at a share of what gratings reach."""
    highest = torch.stack([maps.max() for maps in responses(network, own)])
    layer.bias.data = -share * highest.repeat_interleave(own)


def filters(threshold: float) -> nn.Sequential:
    """Return linear filters of the pixels, each with that share of its best response for a threshold."""
    network = nn.Sequential(gabors([0.0]))
    raised(network, network[0], threshold)  # type: ignore[arg-type]
    return network


def energies(threshold: float, before: float) -> nn.Sequential:
    """Return kernels that add up rectified filters of four phases, behind thresholds of their own `before`."""
    first, adding = gabors(QUADRATURE), nn.Conv3d(4 * len(SPEEDS), len(SPEEDS), 1)
    adding.weight.data = torch.eye(len(SPEEDS)).repeat_interleave(4, 1)[..., None, None, None]
    adding.bias.data.zero_()
    raised(nn.Sequential(first), first, before, own=4)
    network = nn.Sequential(first, nn.ReLU(), adding)
    raised(network, adding, threshold)
    return network


def averages(threshold: float) -> nn.Sequential:
    """Return kernels behind two layers that want their own speed all around and another one nowhere."""
    last = nn.Conv3d(len(SPEEDS), len(SPEEDS), (3, 5, 5))
    last.weight.data = (torch.eye(3) - 0.3 * torch.eye(3).roll(1, 1))[..., None, None, None].expand_as(last.weight) / 75
    last.bias.data.zero_()
    network = nn.Sequential(*energies(0.0, 0.0), nn.ReLU(), last)
    raised(network, last, threshold)
    return network


CASES = {
    "filters that fire": partial(filters, 0.0),
    "filters": partial(filters, 0.8),
    "energies that fire": partial(energies, 0.0, 0.0),
    "energies": partial(energies, 0.8, 0.0),
    "energies near the edge": partial(energies, 0.95, 0.0),
    "behind silent filters": partial(energies, 0.0, 0.8),
    "both": partial(energies, 0.8, 0.5),
    "three layers": partial(averages, 0.8),
    "three layers, a high threshold": partial(averages, 0.9),
    "three layers near the edge": partial(averages, 0.95),
}
EVERY = range(len(SPEEDS))
ALWAYS = [("filters", [2])]


@pytest.mark.parametrize(
    ("name", "kernels"), [*ALWAYS, *(pytest.param(name, EVERY, marks=pytest.mark.long) for name in CASES)]
)
def test_the_clip_found_is_nearly_the_best(name: str, kernels: Sequence[int]) -> None:
    network = CASES[name]().requires_grad_(False)
    layer = str(len(network) - 1)
    found = maximize_activation(network, layer, kernels, objective="firing", clip_shape=SHAPE, steps=64)
    best = torch.stack([maps[:, 0].relu().mean(1).max() for maps in responses(network)])[list(kernels)]
    assert (found.activations / best).min() >= 0.9


@pytest.mark.slow
@pytest.mark.parametrize(
    ("norm", "seed", "kernels"),
    [
        ("behind it", 0, 2),
        *(pytest.param("behind it", seed, 6, marks=pytest.mark.long) for seed in range(3)),
        *(pytest.param("before the rectifier", seed, 6, marks=pytest.mark.long) for seed in range(3)),
    ],
)
def test_kernels_of_random_layers_that_noise_leaves_silent_fire(norm: str, seed: int, kernels: int) -> None:
    """Four standard deviations below the threshold, wherever the norm is that puts them there."""
    torch.manual_seed(zlib.crc32(f"{norm} {seed}".encode()))
    stem, second = nn.Conv3d(3, 8, 3, padding=1), nn.Conv3d(8, 6, 3, padding=1)
    middle = [nn.BatchNorm3d(8), nn.ReLU()] if norm == "before the rectifier" else [nn.ReLU(), nn.BatchNorm3d(8)]
    network = nn.Sequential(stem, *middle, second, nn.ReLU()).eval().requires_grad_(False)
    with torch.no_grad():
        before = network[:4](torch.rand(4, 3, 8, 24, 24)).transpose(0, 1).flatten(1)
        second.bias -= before.mean(1) + 4 * before.std(1)
    found = maximize_activation(network, "3", range(kernels), objective="firing", clip_shape=(8, 24, 24), steps=32)
    fire = found.activations > 0.01 * before.std(1)[:kernels]
    assert fire.sum() >= min(kernels, 5)  # of one in a while nothing reaches the threshold


def test_the_starts_of_a_silent_kernel_count_as_one_search() -> None:
    """No more clips come out than were asked for, and the bar ends where it should."""
    told: list[float] = []
    totals: list[float] = []

    class Counter(SilentProgress):
        def task(self, title: str, total: float) -> AbstractContextManager[Task]:
            totals.append(total)
            return self

        def advance(self, steps: float = 1) -> None:
            told.append(steps)

        def __enter__(self) -> Self:
            return self

        def __exit__(self, *error: object) -> None:
            """End without a word."""

    network = filters(1.1).requires_grad_(False)
    found = maximize_activation(
        network, "0", range(3), objective="firing", clip_shape=SHAPE, steps=16, progress=Counter()
    )
    assert found.activations.shape == (3,)
    assert sum(told) == pytest.approx(sum(totals))
    assert sum(totals) == 3 * 16


def test_one_start_alone_of_a_silent_kernel_cools_down(monkeypatch: pytest.MonkeyPatch) -> None:
    taken: dict[bool, int] = {False: 0, True: 0}
    block = Ascent._block

    def counted(ascent: Ascent, climbers: Sequence[Climber]) -> None:
        before = sum(climber.taken for climber in climbers)
        block(ascent, climbers)
        taken[ascent.level.cools] += sum(climber.taken for climber in climbers) - before

    monkeypatch.setattr(Ascent, "_block", counted)
    maximize_activation(filters(1.1).requires_grad_(False), "0", [0], objective="firing", clip_shape=SHAPE, steps=32)
    assert taken == {False: 3 * 8, True: 8}
