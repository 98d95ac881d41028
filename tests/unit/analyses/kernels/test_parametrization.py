"""The canvas: its statistics, its inverse, its shifts and its bounds."""

from __future__ import annotations

import pytest
import torch

from reportgen.analyses.kernels.parameters import Basis
from reportgen.analyses.kernels.parametrization import Canvas, colour_matrix

SHAPES = [(6, 8, 10), (5, 9, 7), (1, 8, 8)]


def canvas(shape: tuple[int, int, int] = (6, 8, 10), **options: object) -> Canvas:
    return Canvas(3, shape, dtype=torch.float64, **options)  # type: ignore[arg-type]


def seeded(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("basis", ["fft", "pixels"])
@pytest.mark.parametrize("power", [0.0, 1.0])
def test_unit_noise_gives_pixels_of_unit_variance(shape: tuple[int, int, int], basis: str, power: float) -> None:
    one = canvas(shape, basis=basis, power=power, decorrelated=False)
    pixels = one.unbounded(torch.stack([one.initial(seeded(seed), 1.0) for seed in range(300)]))
    assert float(pixels.square().mean()) == pytest.approx(1, rel=0.05)


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("basis", ["fft", "pixels"])
def test_parameters_of_is_the_inverse_of_unbounded(shape: tuple[int, int, int], basis: str) -> None:
    one = canvas(shape, basis=basis)
    pixels = torch.randn(2, 3, *shape, generator=seeded(), dtype=torch.float64)
    assert torch.allclose(one.unbounded(one.parameters_of(pixels)), pixels)


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("basis", ["fft", "pixels"])
def test_a_shift_rolls_each_sample_by_its_own(shape: tuple[int, int, int], basis: str) -> None:
    one = canvas(shape, basis=basis)
    parameters = torch.stack([one.initial(seeded(seed), 1.0) for seed in range(2)])
    shifts = torch.tensor([[0.0, 2.0, -3.0], [1.0, -1.0, 4.0]], dtype=torch.float64)
    still = one.unbounded(parameters)
    wanted = [clip.roll([int(step) for step in shift], (1, 2, 3)) for clip, shift in zip(still, shifts, strict=True)]
    assert torch.allclose(one.unbounded(parameters, shifts), torch.stack(wanted))


def test_high_frequencies_have_the_gain_of_the_formula() -> None:
    one = canvas((8, 16, 16), power=1.0, temporal_weight=2.0)
    gain = one.gain[..., 0]
    assert float(gain[0, 0, 2] / gain[0, 0, 4]) == pytest.approx(2)
    assert float(gain[1, 0, 0] / gain[0, 4, 0]) == pytest.approx(1)  # 2 * 1/8 cycles/frame against 4/16 cycles/px
    assert float(gain[0, 0, 0] / gain[0, 0, 1]) == pytest.approx(1)  # no lower than one cycle over the longest side


def test_luminance_varies_most_and_colours_are_natural() -> None:
    matrix = colour_matrix(3, dtype=torch.float64)
    covariance = matrix @ matrix.T
    correlation = covariance / covariance.diagonal().outer(covariance.diagonal()).sqrt()
    assert float(correlation.min()) > 0.75
    ratios = torch.linalg.eigvalsh(covariance) / torch.linalg.eigvalsh(covariance)[-1]
    assert ratios.tolist() == pytest.approx([0.0045 / 0.2175, 0.0188 / 0.2175, 1])
    assert torch.equal(colour_matrix(2), torch.eye(2))


def test_the_box_and_the_ball_bound_what_they_say() -> None:
    pixels = 9 * torch.randn(2, 3, 6, 8, 10, generator=seeded(), dtype=torch.float64)
    boxed = canvas().bounded(pixels)
    assert float(boxed.min()) >= 0
    assert float(boxed.max()) <= 1
    in_ball = canvas(constraint="ball", radius=2.5).bounded(pixels)
    assert in_ball.flatten(1).norm(dim=1).tolist() == pytest.approx([2.5, 2.5])


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("basis", ["fft", "pixels"])
def test_the_deviation_is_that_of_the_pixels(shape: tuple[int, int, int], basis: str) -> None:
    one = canvas(shape, basis=basis, decorrelated=False)
    pixels = torch.randn(2, 3, *shape, generator=seeded(), dtype=torch.float64)
    wanted = pixels.flatten(1).square().mean(1).sqrt()
    assert torch.allclose(one.deviation(one.parameters_of(pixels)), wanted)


def test_a_saturated_pixel_can_come_back_but_is_not_driven_further_out() -> None:
    pixels = torch.tensor([-9.0, 9.0, -9.0, 9.0], dtype=torch.float64, requires_grad=True)
    clips = canvas().bounded(pixels, leads_back=True)
    assert torch.equal(clips, torch.sigmoid(pixels))
    clips.backward(torch.tensor([-1.0, 1.0, 1.0, -1.0], dtype=torch.float64))  # a descent goes against it
    assert pixels.grad is not None
    assert pixels.grad[:2].abs().min() > 0.05  # back to grey
    assert pixels.grad[2:].abs().max() < 1e-3  # further out


def test_near_grey_the_slope_is_the_sigmoids_own() -> None:
    pixels = torch.linspace(-1.5, 1.5, 7, dtype=torch.float64, requires_grad=True)
    clips = canvas().bounded(pixels, leads_back=True)
    (gradient,) = torch.autograd.grad(clips.sum(), pixels)
    assert torch.allclose(gradient, (clips * (1 - clips)).detach())


@pytest.mark.parametrize("basis", ["fft", "pixels"])
def test_what_fades_are_patterns_and_not_the_mean_colour(basis: Basis) -> None:
    canvas = Canvas(channels=3, shape=(4, 6, 6), basis=basis)
    parameters = torch.stack([canvas.initial(torch.Generator().manual_seed(0), 1.0)])
    share = torch.full((1,) + (1,) * (parameters.ndim - 1), 0.25)
    before, after = (canvas.unbounded(one) for one in (parameters, canvas.faded(parameters, share)))
    mean = before.mean((2, 3, 4), keepdim=True)
    assert torch.allclose(after, mean + 0.25 * (before - mean), atol=1e-5)


def test_without_a_prior_all_frequencies_but_the_mean_colour_have_one_gain() -> None:
    flat = Canvas(channels=1, shape=(8, 16, 16), prior=False).gain[..., 0]
    assert torch.allclose(flat[0, 0, 1:].mean(), flat.flatten()[1:], rtol=1e-5)
    full = Canvas(channels=1, shape=(8, 16, 16)).gain[..., 0]
    assert float(flat[0, 0, 0] / flat[0, 0, 2]) == pytest.approx(float(full[0, 0, 0] / full[0, 0, 2]), rel=1e-5)
