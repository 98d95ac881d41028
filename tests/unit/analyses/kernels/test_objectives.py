"""Penalties and the similarity of facets, against hand-computed values."""

from __future__ import annotations

import pytest
import torch

from reportgen.analyses.kernels.objectives import Penalties, facet_similarity, spatial_variation


def test_a_constant_clip_has_no_penalty() -> None:
    clips = torch.full((2, 3, 4, 5, 6), 0.3, dtype=torch.float64)
    assert Penalties(1.0, 1.0)(clips).tolist() == pytest.approx([0, 0])  # type: ignore[union-attr]


def test_variation_of_a_ramp_is_its_slope() -> None:
    ramp = torch.arange(100, dtype=torch.float64).expand(1, 1, 2, 3, 100)
    assert float(spatial_variation(ramp)) == pytest.approx(0.99, rel=0.01)


def test_smoothness_is_the_mean_squared_difference_of_frames() -> None:
    clip = torch.tensor([0.0, 1.0, 3.0], dtype=torch.float64).view(1, 1, 3, 1, 1)
    assert float(Penalties(temporal_smoothness=2.0)(clip)) == pytest.approx(2 * (1 + 4) / 2)


def test_a_single_frame_has_no_temporal_penalty() -> None:
    assert Penalties(temporal_smoothness=2.0)(torch.rand(1, 3, 1, 4, 4)) == 0.0


def test_facets_with_the_same_kernels_are_alike_wherever_they_fire() -> None:
    maps = torch.zeros(4, 2, 3, 3, dtype=torch.float64)
    maps[0, 0, 0, 0] = maps[1, 0, 2, 1] = 1  # the same kernel, elsewhere
    maps[2, 0, 0, 0] = maps[3, 1, 0, 0] = 1  # two kernels
    assert facet_similarity(maps, 2).tolist() == pytest.approx([1, 1, 0, 0])
