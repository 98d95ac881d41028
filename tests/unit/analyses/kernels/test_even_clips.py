"""A clip is held against even ones: what no pattern is needed for is not told as a pattern."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from reportgen.analyses.kernels.maximize import Maximum, maximize_stream

SHAPE = (2, 16, 16)


def found(weight: torch.Tensor) -> Maximum:
    layer = nn.Conv3d(3, 1, (1, 3, 3), bias=False)
    layer.weight.data.copy_(weight)
    network = nn.Sequential(layer).eval().requires_grad_(False)
    return next(maximize_stream(network, "0", [0], objective="firing", clip_shape=SHAPE, steps=24))


def test_a_kernel_of_one_colour_needs_no_pattern() -> None:
    red = torch.zeros(1, 3, 1, 3, 3)
    red[:, 0] = 1 + 0.02 * torch.arange(9).view(3, 3)
    best = found(red)
    assert best.even_activation == pytest.approx(best.activation, rel=1e-6)
    assert best.activation == pytest.approx(float(red.sum()), rel=1e-6)
    assert best.clip.flatten(1).std(1).max() < 1e-6


def test_a_kernel_of_stripes_keeps_nothing_of_an_even_clip() -> None:
    stripes = torch.tensor([-1.0, 2.0, -1.0]).expand(1, 3, 1, 3, 3)
    best = found(stripes)
    assert best.even_activation == pytest.approx(0, abs=1e-5)
    assert best.activation > 3


def test_around_what_a_unit_sees_the_clip_stays_as_it_is() -> None:
    layer = nn.Conv3d(3, 1, (1, 3, 3), bias=False)
    layer.weight.data.fill_(1.0)
    network = nn.Sequential(layer).eval().requires_grad_(False)
    best = next(maximize_stream(network, "0", [0], objective="neuron", clip_shape=SHAPE, steps=24))
    seen = (slice(None), *(slice(*ends) for ends in best.region))
    assert best.even_activation == pytest.approx(27, rel=1e-5)
    around = torch.ones_like(best.clip, dtype=torch.bool)
    around[seen] = False
    assert (best.clip[around] == 0.5).all()
