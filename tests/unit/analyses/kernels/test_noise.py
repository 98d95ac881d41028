"""What noise tells of kernels: known spreads and shares, over all clips together."""

from __future__ import annotations

import torch

from reportgen.analyses.kernels.noise import NoiseAnswers


def test_spread_and_firing_are_those_of_all_positions_of_all_clips_together() -> None:
    generator = torch.Generator().manual_seed(0)
    clips = [torch.randn(1, 3, 2, 5, 7, generator=generator) * 2 + offset for offset in (-1.0, 4.0)]
    together = torch.cat(clips).transpose(0, 1).flatten(1)
    found = NoiseAnswers.of(clips)
    torch.testing.assert_close(found.spread, together.std(dim=1, correction=0))
    torch.testing.assert_close(found.fires, together.clamp_min(0).mean(1) / found.spread)
    assert found.moved.all()


def test_a_kernel_that_noise_does_not_move_is_told_in_units_of_one() -> None:
    maps = torch.tensor([1e4, -3.0]).view(1, 2, 1, 1, 1).expand(1, 2, 4, 6, 6).clone()
    found = NoiseAnswers.of([maps, maps])
    assert found.moved.tolist() == [False, False]
    assert found.spread.tolist() == [1.0, 1.0]
    assert found.fires.tolist() == [1e4, 0.0]


def test_a_classifier_without_places_is_told_over_its_clips_alone() -> None:
    found = NoiseAnswers.of([torch.tensor([[1.0, -2.0]]), torch.tensor([[3.0, -2.0]])])
    assert found.spread.tolist() == [1.0, 1.0]
    assert found.fires.tolist() == [2.0, 0.0]
    assert found.moved.tolist() == [True, False]
