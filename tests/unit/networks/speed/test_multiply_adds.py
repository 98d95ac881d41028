"""Multiply-adds are those that torch's own counter says."""

from __future__ import annotations

import pytest
import torch
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from reportgen.networks.speed.multiply_adds import MultiplyAdds


@pytest.mark.parametrize("backward", [False, True])
def test_they_are_those_of_torchs_counter(backward: bool) -> None:
    body = nn.Sequential(
        nn.Conv3d(3, 4, 3, stride=2, padding=1),
        nn.BatchNorm3d(4),
        nn.ConvTranspose3d(4, 6, 2, groups=2),
        nn.Flatten(2),
        nn.Linear(405, 5),
    ).eval()
    clip = torch.rand(1, 3, 8, 16, 16, requires_grad=backward)

    def ask() -> None:
        tokens = body(clip)
        answer = tokens @ tokens.transpose(1, 2)
        if backward:
            answer.sum().backward()

    with FlopCounterMode(display=False) as counter:
        ask()
    with MultiplyAdds() as own:
        ask()
    assert own.count == counter.get_total_flops() / 2 > 0
