"""The linear systems are those of the energy, and solving them lowers it."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from reportgen.analyses.decomposition import gauss_newton
from reportgen.analyses.decomposition.gauss_newton import (
    JOINT_EFFORT,
    SolverEffort,
    common_velocity,
    displacement_by_gauss_newton,
    field_energy,
    refine_displacement,
)
from reportgen.analyses.decomposition.linear_system import Smoothness, linearise
from reportgen.analyses.decomposition.warping import image_gradient
from tests.truth.moving_textures import rotating, texture, translating

SMOOTHNESS = Smoothness(space=0.3, time=0.2, slow=0.01)


def draw(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def ramps(batch: int, size: int) -> Tensor:
    """Return pictures of two channels that rise to the right and down: their interpolated gradient is exact."""
    axis = torch.arange(size, dtype=torch.float64)
    return torch.stack([axis.expand(size, size), 0.5 * axis[:, None].expand(size, size)]).expand(batch, -1, -1, -1)


def system_at(displacement: Tensor, frames: Tensor) -> object:
    source = ramps(len(frames), frames.shape[-1])
    gradient = torch.cat(image_gradient(source), 1)
    return linearise(source, gradient, frames, displacement, SMOOTHNESS, "bilinear", 0)[0]


def test_right_side_is_the_downhill_direction_of_the_energy() -> None:
    # Content one pixel inside stays inside, so that what counts as seen does not change with the displacement.
    size, frames = 7, draw(2, 2, 4, 7, 7)
    displacement = 0.2 * draw(2, 4, 2, size, size, seed=1)
    inward = torch.linspace(1, -1, size, dtype=torch.float64)
    displacement = displacement.clamp(-0.4, 0.4) + torch.stack(
        [inward.expand(size, size), inward[:, None].expand(size, size)]
    )
    displacement.requires_grad_()
    field_energy(ramps(2, size), frames, displacement, SMOOTHNESS, "bilinear").sum().backward()
    system = system_at(displacement.detach(), frames)
    downhill = system.pull - system.smooth(displacement.detach())
    torch.testing.assert_close(downhill, -displacement.grad)


def test_the_matrix_is_symmetric_positive_definite_with_its_own_diagonal() -> None:
    shape = (1, 3, 2, 3, 4)
    system = _rectangular_system(shape)
    size = 3 * 2 * 3 * 4
    unit = torch.eye(size, dtype=torch.float64).view(size, *shape)
    matrix = torch.stack([system.apply(one).flatten() for one in unit])
    torch.testing.assert_close(matrix, matrix.T)
    assert torch.linalg.eigvalsh(matrix).min() > 0
    smooth = torch.stack([system.smooth(one).flatten() for one in unit]).diagonal().view(shape)
    torch.testing.assert_close(smooth, system.diagonal()[:, :, None].expand(shape))
    exact = torch.linalg.solve(matrix, (system.pull - system.smooth(system.displacement)).flatten())
    torch.testing.assert_close(system.solve(size, None).flatten(), exact, rtol=1e-6, atol=1e-9)


def _rectangular_system(shape: tuple[int, ...]) -> object:
    batch, count, _, height, width = shape
    source = draw(batch, 3, height + 3, width + 3)[..., 3:, 3:]
    gradient = draw(batch, 6, height, width, seed=4)
    frames = draw(batch, 3, count, height, width, seed=5)
    return linearise(source, gradient, frames, 0.3 * draw(*shape, seed=6), SMOOTHNESS, "bilinear", 0)[0]


def test_fixed_frames_do_not_move() -> None:
    clips = draw(1, 3, 4, 16, 16)
    free = torch.tensor([1.0, 0.0, 1.0, 1.0], dtype=torch.float64)
    moved = refine_displacement(
        clips[:, :, 1], clips, torch.zeros(1, 4, 2, 16, 16).double(), JOINT_EFFORT, SMOOTHNESS, free=free
    )
    assert (moved[:, 1] == 0).all()
    assert (moved[:, 0] != 0).any()


@pytest.mark.parametrize("seed", range(3))
def test_energy_never_rises(seed: int) -> None:
    # White noise is linear over less than a pixel: without smoothness, each of these steps alone raises the energy.
    picture = draw(1, 3, 16, 16, seed=100 + seed)
    frames = picture[:, :, None] + 0.3 * draw(1, 3, 3, 16, 16, seed=seed)
    start, loose = torch.zeros(1, 3, 2, 16, 16).double(), Smoothness(space=1e-2, time=1e-2, slow=1e-2)
    moved = refine_displacement(picture, frames, start, SolverEffort(3, 10, "bilinear"), loose)
    before, after = (field_energy(picture, frames, field, loose, "bilinear") for field in (start, moved))
    assert (after <= before).all()


def test_equal_frames_do_not_move() -> None:
    still = draw(1, 3, 1, 16, 16).expand(-1, -1, 5, -1, -1)
    displacement, systems = displacement_by_gauss_newton(still, 2)
    assert displacement.shape == (1, 5, 2, 16, 16)
    assert displacement.abs().max() < 1e-9
    assert systems > 0


@pytest.mark.parametrize("seed", range(3))
def test_frames_of_noise_have_no_common_velocity(seed: int) -> None:
    assert not common_velocity(draw(2, 3, 8, 32, 32, seed=seed)).any()


def test_a_texture_in_noise_of_its_own_contrast_keeps_its_velocity() -> None:
    wide = draw(1, 3, 40, 64).unsqueeze(2)
    moving = torch.cat([wide[..., 4:36, 20 - 2 * t : 52 - 2 * t] for t in range(8)], 2)
    found = common_velocity(moving + draw(1, 3, 8, 32, 32, seed=9))
    torch.testing.assert_close(found, torch.tensor([[2.0, 0.0]]).double(), atol=0.3, rtol=0)


def test_where_the_motion_is_the_common_velocity_already_the_search_does_not_begin_there_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    begun: list[Tensor] = []
    chained = gauss_newton._chained_motion

    def noted(*given: object) -> Tensor:
        begun.append(given[-1])  # type: ignore[arg-type]
        return chained(*given)  # type: ignore[arg-type]

    monkeypatch.setattr(gauss_newton, "_chained_motion", noted)
    look = texture(seed=0)
    moving, still, turning = translating(look, (1.0, 0.5)), translating(look, (0.0, 0.0)), rotating(look, 2.0)
    clips = torch.stack([clip.pixels for clip in (moving, still, turning)])
    together = displacement_by_gauss_newton((clips - 0.5) / clips.std(), 8)[0]
    assert [len(velocities) for velocities in begun] == [2, 2]  # what stands still is not searched at all
    assert not torch.cat(begun).any()
    begun.clear()
    alone = displacement_by_gauss_newton((clips[2:] - 0.5) / clips.std(), 8)[0]
    torch.testing.assert_close(alone[0], together[2], atol=1e-4, rtol=0)
