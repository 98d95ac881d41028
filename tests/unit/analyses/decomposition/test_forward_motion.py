"""Forward motion and its summary, against fields for which they can be written down."""

from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor

from reportgen.analyses.decomposition.forward_motion import forward_motion, summarise_motion, texture_evidence


def offsets(size: int) -> Tensor:
    axis = torch.arange(size, dtype=torch.float64) - (size - 1) / 2
    y, x = torch.meshgrid(axis, axis, indexing="ij")
    return torch.stack([x, y])


def test_forward_motion_of_a_zoom_is_exact() -> None:
    # Content at x in frame t came from x / z^t: D_t = x (z^-t - 1), and it goes on by (z - 1) x.
    zoom, here = 1.02, offsets(33)
    displacement = torch.stack([here * (zoom**-t - 1) for t in range(-3, 4)])[None]
    motion = forward_motion(displacement)
    assert motion.shape == (1, 6, 2, 33, 33)
    inner = (..., slice(2, -2), slice(2, -2))
    torch.testing.assert_close(motion[inner], ((zoom - 1) * here).expand_as(motion)[inner], atol=1e-9, rtol=0)


def test_forward_motion_has_the_opposite_sign_of_the_displacements_change() -> None:
    displacement = torch.zeros(1, 3, 2, 8, 8)
    displacement[0, :, 0] = -torch.arange(3.0).view(3, 1, 1)
    motion = forward_motion(displacement)
    assert (motion[:, :, 0] == 1).all()
    assert (motion[:, :, 1] == 0).all()


def test_evidence_moves_with_the_texture_and_skips_faint_gradients() -> None:
    texture = torch.full((1, 3, 32, 32), 0.5)
    texture[..., 8:16] += 0.2 * torch.rand(3, 32, 8, generator=torch.Generator().manual_seed(0))
    texture[..., 24:] += 0.001 * torch.rand(3, 32, 8, generator=torch.Generator().manual_seed(1))
    displacement = torch.zeros(1, 2, 2, 32, 32)
    displacement[:, 1, 0] = -8.0
    here, moved = texture_evidence(texture, displacement)[0]
    assert here[:, 8:16].all()
    assert not here[:, 20:].any()
    assert moved[:, 16:24].all()


@pytest.mark.parametrize("degrees", range(0, 360, 45))
def test_direction_is_clockwise_from_the_right(degrees: int) -> None:
    velocity = torch.tensor([math.cos(math.radians(degrees)), math.sin(math.radians(degrees))])
    motion = 2 * velocity.view(1, 1, 2, 1, 1).expand(1, 3, 2, 4, 4)
    summary = summarise_motion(motion, torch.ones(1, 3, 4, 4, dtype=torch.bool))
    assert summary.mean_speed.item() == pytest.approx(2)
    assert math.remainder(summary.direction.item() - degrees, 360) == pytest.approx(0, abs=1e-3)
    assert summary.coherence.item() == pytest.approx(1)


def test_only_pixels_with_evidence_count() -> None:
    motion = torch.zeros(1, 1, 2, 2, 2)
    motion[0, 0, :, 0, 0] = torch.tensor([3.0, 4.0])
    evidence = torch.zeros(1, 1, 2, 2, dtype=torch.bool)
    assert math.isnan(summarise_motion(motion, evidence).direction.item())
    assert summarise_motion(motion, evidence).mean_speed.item() == 0
    evidence[0, 0, 0, 0] = True
    assert summarise_motion(motion, evidence).mean_speed.item() == pytest.approx(5)


def test_opposite_motions_have_speed_but_no_coherence() -> None:
    motion = torch.ones(1, 1, 2, 2, 2) * torch.tensor([1.0, -1.0])
    summary = summarise_motion(motion, torch.ones(1, 1, 2, 2, dtype=torch.bool))
    assert summary.mean_speed.item() == pytest.approx(math.sqrt(2))
    assert summary.coherence.item() == pytest.approx(0)
    assert math.isnan(summary.direction.item())
