"""Kernels count as duplicates where they order clips alike, and never because they fire for the same rare ones."""

from __future__ import annotations

import torch
from torch import Tensor

from reportgen.analyses.common.running import Moments
from reportgen.analyses.evidence.duplicates import ALIKE, LEAST_DRIVING, driven_enough, rank_alike


def duplicates(responses: Tensor) -> list[tuple[int, int]]:
    moments = Moments(responses.shape[1])
    for part in responses.split(7):
        moments.add(part)
    return [pair[:2] for pair in rank_alike(responses, moments.duplicates(ALIKE, LEAST_DRIVING))]


def draw(clips: int, kernels: int, seed: int = 0) -> Tensor:
    return torch.rand((clips, kernels), generator=torch.Generator().manual_seed(seed))


def test_independent_kernels_that_fire_for_one_of_twenty_clips_are_no_duplicates() -> None:
    for seed in range(20):
        strength = draw(1, 64, seed)[0]
        clips = (draw(1, 64, seed + 100)[0] * 20).long()
        responses = torch.zeros(20, 64)
        responses[clips, torch.arange(64)] = strength
        assert duplicates(responses) == []
        assert not driven_enough(responses).any()


def test_kernels_that_share_a_few_strong_clips_and_differ_on_the_others_are_no_duplicates() -> None:
    responses = draw(30, 2)
    responses[:2] = torch.tensor([[1000.0, 1000.0], [900.0, 900.0]])
    assert torch.corrcoef(responses.T)[0, 1] > ALIKE
    assert duplicates(responses) == []


def test_a_kernel_that_repeats_another_in_another_unit_is_its_duplicate() -> None:
    responses = draw(30, 3)
    responses[:, 2] = 3 * responses[:, 0]
    responses[:8, [0, 2]] = 0.0
    assert duplicates(responses) == [(0, 2)]
    assert driven_enough(responses).all()


def test_clips_that_are_copies_of_each_other_are_one_clip() -> None:
    nine = draw(9, 1).repeat(4, 1)
    assert duplicates(nine.repeat(1, 2)) == []
    assert not driven_enough(nine).any()
    ten = draw(10, 1).repeat(4, 1)
    assert duplicates(ten.repeat(1, 2)) == [(0, 1)]
    assert driven_enough(ten).all()


def test_ten_clips_that_drive_both_are_enough_where_all_do() -> None:
    assert duplicates(draw(10, 1).repeat(1, 2)) == [(0, 1)]
    assert duplicates(draw(9, 1).repeat(1, 2)) == []
