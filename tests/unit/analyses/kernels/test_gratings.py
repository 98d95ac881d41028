"""The simple patterns that a search of first layers may go on from."""

from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor

from reportgen.analyses.kernels.gratings import BINARY, Grating, TiledSigns, amplitudes, peaks, simple_patterns
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


@pytest.mark.parametrize("shape", [(3, 5, 7, 7), (2, 1, 4, 9)])
def test_peaks_are_as_high_as_all_around_them_and_apart(shape: tuple[int, int, int, int]) -> None:
    weights = torch.randn(shape, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    found = peaks(weights)
    for number, peak in enumerate(found):
        height = float(amplitudes(weights, peak).abs().sum())
        for axis, size in enumerate(shape[1:]):
            for aside in (-1, 1) if size > 1 else ():
                beside = [cycles + aside / (64 * size) * (axis == one) for one, cycles in enumerate(peak)]
                assert float(amplitudes(weights, beside).abs().sum()) <= height * (1 + 1e-4)
        for other in found[:number]:
            for sign in (-1, 1):
                apart = [(a - sign * b + 0.5) % 1 - 0.5 for a, b in zip(peak, other, strict=True)]
                assert max(abs(d * size) for d, size in zip(apart, shape[1:], strict=True)) > 0.8
    heights = [float(amplitudes(weights, peak).abs().sum()) for peak in found]
    assert heights == sorted(heights, reverse=True)


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
    highest, *_ = simple_patterns(weights, FIELD, phase=0.0)
    assert ((highest.drawn(size) * weights).flatten(1).sum(1) > 0).all()  # in phase at the middle


def test_signs_lie_where_units_that_share_nothing_look() -> None:
    weights = torch.randn(3, 2, 4, 4, generator=torch.Generator().manual_seed(0))
    field: Field = (Reach(2, 0, 1), Reach(4, -1, 2), Reach(4, -1, 2))
    tiles = TiledSigns(weights.double(), field).drawn((4, 16, 16))
    assert torch.equal(tiles[:, 2:4, 3:7, 7:11].sign(), weights.sign())


def test_signs_are_left_out_where_it_is_not_known_where_units_look() -> None:
    weights = torch.randn(3, 2, 4, 4, generator=torch.Generator().manual_seed(0))
    assert isinstance(simple_patterns(weights, FIELD, phase=0.0)[-1], TiledSigns)
    assert not any(isinstance(one, TiledSigns) for one in simple_patterns(weights, None, phase=0.0))


def test_even_gratings_have_whole_periods_or_move_by_whole_pixels() -> None:
    one = Grating(torch.ones(1, 5, 7, 7), (-0.14, 0.005, 0.13), 0.0)
    found = one.even((16, 40, 40))
    whole, moved = found[:4], found[4:]
    assert [each.frequency for each in whole] == [pytest.approx((-2 / 16, 0.0, 5 / 40))] * 4
    assert [each.frequency for each in moved] == [
        pytest.approx((-0.13, 0.005, 0.13))
    ] * 4  # one px a frame to the right
    quarter = 2 * math.pi / 8 / 4  # of a px, at 8 px a period
    assert [each.phase for each in whole] == pytest.approx([0, quarter, 2 * quarter, 3 * quarter])


def test_neighbours_differ_in_one_axis_in_length_or_in_contrast() -> None:
    one = Grating(torch.ones(1, 5, 1, 10), (-0.2, 0.0, 0.1), 0.0)
    found = {near.frequency for near in one.neighbours(0.5)} - {one.frequency}
    wanted = [(-0.1, 0, 0.1), (-0.3, 0, 0.1), (-0.2, 0, 0.15), (-0.2, 0, 0.05), (-0.15, 0, 0.075), (-0.25, 0, 0.125)]
    assert sorted(found) == [pytest.approx(each) for each in sorted(wanted)]
    assert [near.contrast for near in one.neighbours(0.5)].count(BINARY) == 1
