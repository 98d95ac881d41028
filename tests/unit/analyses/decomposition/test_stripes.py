"""Stripes are told only how fast they move across themselves."""

from __future__ import annotations

import math
from typing import Any

import pytest
import torch
from torch import Tensor

from reportgen.analyses.decomposition.decompose import decompose
from reportgen.analyses.decomposition.fitting import fit_texture
from reportgen.analyses.decomposition.gauss_newton import common_velocity
from reportgen.analyses.decomposition.stripes import across_stripes
from tests.truth.moving_textures import rotating, texture


def stripes(period: float, speed: float, degrees: float, contrast: float, size: int = 48, frames: int = 12) -> Tensor:
    """Return a clip `1 1 T H W` of stripes that move across themselves, in px/frame; 0 degrees to the right."""
    t, y, x = torch.meshgrid(*[torch.arange(n, dtype=torch.float32) for n in (frames, size, size)], indexing="ij")
    way = x * math.cos(math.radians(degrees)) + y * math.sin(math.radians(degrees))
    return torch.sigmoid(contrast * torch.cos(2 * math.pi / period * (way - speed * t)))[None, None]


@pytest.mark.parametrize(("period", "speed", "degrees"), [(6.2, 0.42, 112.0), (7.4, 1.83, 300.0), (5.3, 0.67, 30.0)])
def test_hard_slanted_stripes_move_across_themselves(period: float, speed: float, degrees: float) -> None:
    found = decompose(stripes(period, speed, degrees, contrast=8))
    assert float(found.mean_speed) == pytest.approx(speed, rel=0.08)
    assert float(found.direction) == pytest.approx(degrees, abs=4)


def test_motion_along_stripes_is_left_out_and_that_of_a_texture_is_not() -> None:
    along = torch.tensor([0.0, 1.0]).view(1, 1, 2, 1, 1)
    across = torch.tensor([2.0, 0.0]).view(1, 1, 2, 1, 1)
    moves = (along + across).expand(1, 4, 2, 48, 48).contiguous()
    vertical = stripes(8, 0, 0, contrast=6, frames=4)
    assert torch.allclose(across_stripes(vertical, moves), across.expand_as(moves), atol=0.02)
    checks = vertical * vertical.transpose(-1, -2)
    assert torch.allclose(across_stripes(checks, moves)[..., 8:-8, 8:-8], moves[..., 8:-8, 8:-8], atol=0.02)
    assert torch.equal(across_stripes(torch.zeros_like(vertical), moves), moves)  # no slope, no stripes


def test_a_few_places_like_stripes_are_worth_no_second_texture(monkeypatch: pytest.MonkeyPatch) -> None:
    fitted = []

    def counted(*given: Any) -> Any:
        fitted.append(given)
        return fit_texture(*given)

    monkeypatch.setattr("reportgen.analyses.decomposition.decompose.fit_texture", counted)
    decompose(rotating(texture(1), 3.0, frames=6, size=48).pixels[None])  # 3 of its 13,824 places
    once = len(fitted)
    decompose(stripes(8, 0.5, 30, contrast=8))
    assert once == 1
    assert len(fitted) >= 3


@pytest.mark.parametrize(("speed", "degrees"), [(0.42, 0.0), (0.3, 178.0), (2.1, 0.0), (1.0, 90.0)])
def test_the_common_velocity_of_hard_stripes_is_the_slowest(speed: float, degrees: float) -> None:
    found = common_velocity(stripes(5.3, speed, degrees, contrast=12, frames=16))[0]
    expected = speed * torch.tensor([math.cos(math.radians(degrees)), math.sin(math.radians(degrees))])
    assert float((found - expected).norm()) < 5.3 / 4  # nearest to this one of all that differ by a period
