"""Planted Gabor kernels: their clips move as fast as they do, and drive them almost as much as the best grating.

What a kernel of a few frames prefers is not quite what it was made of. Its window holds less than a period of a slow
wave, in which the wave overlaps with its mirror image, and what makes it blind to even grey takes away more of slow
waves: of the kernels drawn here the grating that drives one most moves up to 13% slower than the wave under its
window. The known answer is therefore the kernel's own: the peak of its amplitude spectrum.
"""

from __future__ import annotations

import itertools
import logging
import math

import numpy as np
import pytest
import torch
from scipy.optimize import minimize
from torch import Tensor, nn

from reportgen import maximize_activation
from reportgen.analyses.decomposition.decompose import decompose

SHAPE = (16, 40, 40)
PERIOD = 8  # px
SPEEDS = (1.0, 2.0, 0.53)  # px/frame, to the right


def phases(shape: tuple[int, int, int], speed: float, period: float = PERIOD) -> Tensor:
    """Return the phase of a moving grating `T H W`, 0 in the middle."""
    t, _, x = torch.meshgrid(*[torch.arange(n) - (n - 1) / 2 for n in shape], indexing="ij")
    return 2 * math.pi / period * (x - speed * t)


def gabors(size: tuple[int, int, int]) -> nn.Module:
    """Return a layer with one kernel for each speed, without a response to even grey."""
    t, y, x = torch.meshgrid(*[torch.linspace(-1, 1, n) for n in size], indexing="ij")
    window = torch.exp(-((1.3 * t) ** 2) - (1.25 * y) ** 2 - (1.25 * x) ** 2)
    layer = nn.Conv3d(1, len(SPEEDS), size, bias=False)
    for kernel, speed in zip(layer.weight.data, SPEEDS, strict=True):
        wave = window * torch.cos(phases(size, speed))
        kernel[0] = wave - window * wave.sum() / window.sum()
    return nn.Sequential(layer).requires_grad_(False)


def best_gratings(network: nn.Module) -> Tensor:
    """Return the mean rectified response of each kernel to the black-and-white grating that drives it most."""
    reached = []
    for speed in SPEEDS:
        tries = itertools.product((0.9, 1.0, 1.1), (0.85, 0.95, 1.0, 1.05, 1.15))
        waves = [phases(SHAPE, speed * faster, PERIOD * longer) for faster, longer in tries]
        gratings = torch.stack([(torch.cos(wave + 0.3) > 0).float() for wave in waves])[:, None]
        reached.append(network(gratings).relu().flatten(2).mean(2))
    return torch.stack([found[:, kernel].max() for kernel, found in enumerate(reached)])


# A kernel of 5 frames has a wide band: 20% off its speed, the best grating drives it by 1% less.
SMALL = ((5, 7, 7), 0.95, 0.2)
LARGE = ((7, 11, 11), 0.95, 0.05)


@pytest.mark.parametrize(("size", "least", "most_off"), [SMALL, pytest.param(*LARGE, marks=pytest.mark.long)])
def test_the_best_clip_is_nearly_the_best_grating_at_its_speed(
    size: tuple[int, int, int], least: float, most_off: float
) -> None:
    network = gabors(size)
    found = maximize_activation(network, "0", range(3), objective="firing", clip_shape=SHAPE, steps=64)
    assert (found.activations / best_gratings(network)).min() >= least
    shown = decompose(found.clips).mean_speed / torch.tensor(SPEEDS)
    assert shown.tolist() == pytest.approx([1.0] * 3, abs=most_off)


@pytest.mark.long
def test_a_clip_that_is_to_change_little_does_not_move_although_the_kernel_would_like_it_to() -> None:
    """What a moving pattern loses to the penalty counts where a search compares clips, and not in its climb alone."""
    smooth, free = (
        maximize_activation(
            gabors((5, 7, 7)), "0", range(3), objective="firing", clip_shape=SHAPE, steps=32, temporal_smoothness=weight
        )
        for weight in (100.0, 0.0)
    )
    changes = [found.clips.diff(dim=2).square().mean((1, 2, 3, 4)) for found in (smooth, free)]
    assert (changes[0] < 0.1 * changes[1]).all()


def tinted_gabors(size: tuple[int, int, int], generator: torch.Generator) -> tuple[nn.Module, Tensor]:
    """Return a layer of 10 kernels with colours, directions, periods and speeds of their own, and the speeds."""

    def between(low: float, high: float) -> float:
        return low + (high - low) * float(torch.rand(1, generator=generator))

    t, y, x = torch.meshgrid(*[torch.arange(n) - (n - 1) / 2 for n in size], indexing="ij")
    window = torch.exp(-((2.6 * t / size[0]) ** 2) - (2.5 * y / size[1]) ** 2 - (2.5 * x / size[2]) ** 2)
    layer, speeds = nn.Conv3d(3, 10, size, bias=False), []
    for kernel in layer.weight.data:
        period, angle = between(5, 10), between(0, 2 * math.pi)
        speeds.append(min(between(0.3, 2.0), 0.35 * period))
        across = x * math.cos(angle) + y * math.sin(angle)
        wave = window * torch.cos(2 * math.pi / period * (across - speeds[-1] * t))
        tint = torch.tensor([between(-1, 1) for _ in range(3)])
        kernel[:] = tint[:, None, None, None] * (wave - window * wave.sum() / window.sum())
    return nn.Sequential(layer).requires_grad_(False), torch.tensor(speeds)


def preferred_speed(kernel: Tensor) -> float:
    """Return the speed in px/frame of the drifting grating that drives a kernel `C T H W` most.

    A grating of a frequency drives it by the amplitude of its spectrum there, colours each in their own phase.
    """
    weights = kernel.double().numpy()
    places = [np.arange(size) - (size - 1) / 2 for size in weights.shape[1:]]

    def driven(frequency: np.ndarray) -> float:
        waves = [np.exp(-2j * np.pi * cycles * own) for cycles, own in zip(frequency, places, strict=True)]
        return float(np.abs(np.einsum("cijk,i,j,k->c", weights, *waves)).sum())

    spectrum = np.abs(np.fft.fftn(weights, s=(64, 64, 64), axes=(1, 2, 3))).sum(0)
    begin = np.fft.fftfreq(64)[list(np.unravel_index(spectrum.argmax(), spectrum.shape))]
    around = begin + np.vstack([np.zeros(3), np.eye(3) / 128])
    best = minimize(lambda f: -driven(f), begin, method="Nelder-Mead", options={"initial_simplex": around}).x
    return float(abs(best[0]) / math.hypot(best[1], best[2]))


@pytest.mark.long
def test_a_kernel_of_few_frames_prefers_a_slower_grating_than_it_was_made_of() -> None:
    """Of some of the kernels below by more than a tenth; of a long and wide one by nothing."""
    ratios = []
    for size in ((5, 7, 7), (31, 41, 41)):
        network, speeds = tinted_gabors(size, torch.Generator().manual_seed(0))
        ratios.append([preferred_speed(kernel) / speeds[place] for place, kernel in enumerate(network[0].weight)])
    assert 0.85 <= min(ratios[0]) <= 0.9
    assert ratios[1] == pytest.approx([1.0] * 10, abs=0.005)


@pytest.mark.long
@pytest.mark.timeout(900)
@pytest.mark.parametrize("seed", [0, 1, 2])
def test_intervals_hold_the_speeds_of_forty_planted_kernels(seed: int) -> None:
    generator, held, off, widths, planted = torch.Generator().manual_seed(seed), [], [], [], []
    for size in ((5, 7, 7), (7, 11, 11), (5, 9, 9), (7, 7, 7)):
        network, made_of = tinted_gabors(size, generator)
        speeds = torch.tensor([preferred_speed(kernel) for kernel in network[0].weight])
        found = maximize_activation(network, "0", range(10), objective="firing", clip_shape=(16, 48, 48), steps=64)
        parts = decompose(found.clips)
        error = (parts.mean_speed - speeds).abs()
        held += (error <= parts.speed_margin).tolist()
        off += (error / speeds).tolist()
        planted += ((parts.mean_speed - made_of).abs() / made_of).tolist()
        widths += (2 * parts.speed_margin / parts.mean_speed).tolist()
    logging.getLogger(__name__).info(
        "seed %d: %d of 40 held, error %.3f in the median and %.3f at most, width %.3f to %.3f; "
        "%d within 10%% of the wave that they were made of",
        *(seed, sum(held), sorted(off)[20], max(off), min(widths), max(widths), sum(one <= 0.1 for one in planted)),
    )
    assert sum(held) >= 36
    assert max(off) <= 0.1
    assert sum(one <= 0.1 for one in planted) >= 36
    assert sorted(off)[len(off) // 2] <= 0.02
    assert max(widths) <= 0.2
