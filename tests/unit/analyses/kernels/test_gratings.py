"""The simple patterns that a search of first layers may go on from."""

from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor

from reportgen.analyses.kernels.gratings import amplitudes, peaks, simple_patterns
from reportgen.networks.kernels.receptive_field import Field, Reach

FIELD: Field = (Reach(1, 0, 4), Reach(1, 0, 6), Reach(1, 0, 6))


def wave(frequency: tuple[float, float, float], size: tuple[int, int, int]) -> Tensor:
    places = torch.meshgrid(*[torch.arange(n, dtype=torch.float64) - (n - 1) / 2 for n in size], indexing="ij")
    return torch.cos(2 * math.pi * sum(cycles * axis for cycles, axis in zip(frequency, places, strict=True)))


@pytest.mark.parametrize("frequency", [(0.13, -0.21, 0.17), (-0.2, 0.0, 0.31), (0.0, 0.22, 0.1)])
def test_the_peak_of_a_long_wave_is_its_frequency(frequency: tuple[float, float, float]) -> None:
    size = (9, 21, 21)
    window = torch.ones(1)
    for axis, n in enumerate(size):
        shape = [1, 1, 1]
        shape[axis] = n
        window = window * torch.hann_window(n + 2, periodic=False, dtype=torch.float64)[1:-1].view(shape)
    first = torch.tensor(peaks((window * wave(frequency, size))[None])[0])
    first = first if torch.dot(first, torch.tensor(frequency)) > 0 else -first
    assert first.tolist() == pytest.approx(frequency, abs=0.01)


def test_a_still_kernel_has_still_peaks_and_a_plain_one_none() -> None:
    assert all(t == 0 for t, _, _ in peaks(torch.randn(3, 1, 5, 5, dtype=torch.float64)))
    assert peaks(torch.ones(3, 1, 1, 1, dtype=torch.float64)) == []


def test_amplitudes_are_those_of_the_fourier_transform() -> None:
    weights = torch.randn(2, 3, 5, 7, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    found = torch.fft.fftn(weights, dim=(-3, -2, -1)).abs()[:, 1, 2, 3]
    assert torch.allclose(amplitudes(weights, (1 / 3, 2 / 5, 3 / 7)).abs(), found)


def test_each_colour_of_a_grating_comes_in_the_phase_that_drives_the_kernel() -> None:
    size = (5, 7, 7)
    weights = torch.stack([wave((0.1, 0.0, 0.2), size), -wave((0.1, 0.0, 0.2), size)])
    patterns = simple_patterns(weights, size, FIELD, phase=0.0)
    responses = (patterns * weights).flatten(2).sum(2)
    assert (responses[0] > 0).all()  # the highest peak, in phase at the middle


def test_signs_lie_where_units_that_share_nothing_look() -> None:
    weights = torch.randn(3, 2, 4, 4, generator=torch.Generator().manual_seed(0))
    field: Field = (Reach(2, 0, 1), Reach(4, -1, 2), Reach(4, -1, 2))
    tiles = simple_patterns(weights, (4, 16, 16), field, phase=0.0)[-1]
    assert torch.equal(tiles[:, 2:4, 3:7, 7:11].sign(), weights.sign())
