"""A direction is named only of a kernel that minds it: one that is symmetric in time never gets one."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from torch import nn

from reportgen.analyses.common.responses import kernel_responses
from reportgen.audit.headline import synthetic_claim
from reportgen.audit.heard import DIRECTIONS
from reportgen.audit.limits import Limits
from reportgen.reading.figures import KernelFigures

MOVING = KernelFigures(
    activation=12.0, explained_variance=0.95, evidence_share=0.6, mean_speed=1.4, direction=0.0, coherence=0.95
)


def named(figures: KernelFigures) -> bool:
    said = synthetic_claim(figures, Limits())
    return any(f"moving {word} at" in said for word in DIRECTIONS)


@pytest.mark.parametrize(("backwards", "direction"), [(0.0, True), (5.9, True), (6.1, False), (12.0, False)])
def test_a_direction_needs_the_clip_to_lose_half_played_backwards(backwards: float, direction: bool) -> None:
    assert named(replace(MOVING, reversed_activation=backwards)) is direction


def test_what_the_clip_keeps_backwards_is_said() -> None:
    assert "keeps 100% of the activation" in synthetic_claim(replace(MOVING, reversed_activation=12.0), Limits())


@pytest.mark.parametrize("seed", range(10))
def test_a_kernel_that_is_symmetric_in_time_gets_no_direction_whatever_its_clip(seed: int) -> None:
    torch.manual_seed(seed)
    layer = nn.Conv3d(1, 1, (5, 3, 3), bias=False).requires_grad_(False)
    layer.weight.copy_((layer.weight + layer.weight.flip(2)) / 2 - layer.weight.mean())
    still = torch.rand(12, 12)
    clip = torch.stack([torch.roll(still, frame, dims=-1) for frame in range(9)])[None, None]
    own, backwards = (
        float(kernel_responses(nn.Sequential(layer), each, ["0"])["0"][0, 0]) for each in (clip, clip.flip(2))
    )
    assert own > 0
    assert not named(replace(MOVING, activation=own, reversed_activation=backwards))
