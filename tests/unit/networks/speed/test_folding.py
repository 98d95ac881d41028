"""Folding a stride into channels changes the arrangement and not the sums."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from reportgen.networks.core.network import as_network
from reportgen.networks.speed.folding import FoldedConvolution, folded_stems, folds

CASES = [
    ((5, 7, 7), (1, 2, 2), (2, 3, 3), (6, 20, 18)),
    ((3, 3, 3), (2, 2, 2), (1, 1, 1), (8, 17, 15)),
    ((1, 7, 7), (2, 4, 2), (0, 0, 3), (5, 33, 30)),
    ((4, 2, 5), (3, 2, 4), (1, 0, 2), (9, 9, 9)),
]


@pytest.mark.parametrize(("kernel", "stride", "padding", "size"), CASES)
def test_a_folded_convolution_is_the_convolution(
    kernel: tuple[int, ...], stride: tuple[int, ...], padding: tuple[int, ...], size: tuple[int, ...]
) -> None:
    torch.manual_seed(0)
    layer = nn.Conv3d(3, 8, kernel, stride, padding).double()  # type: ignore[arg-type]
    clips = torch.randn(2, 3, *size, dtype=torch.float64, requires_grad=True)
    folded = FoldedConvolution(layer)
    assert torch.allclose(folded(clips), layer(clips), atol=1e-12)
    gradients = [torch.autograd.grad(map_of(clips).square().sum(), clips)[0] for map_of in (folded, layer)]
    assert torch.allclose(*gradients, atol=1e-10)
    some = torch.tensor([5, 0])
    assert torch.allclose(folded(clips, some), layer(clips)[:, some], atol=1e-12)


def test_only_strided_convolutions_of_few_channels_fold() -> None:
    assert folds(nn.Conv3d(3, 8, 3, 2))
    assert not folds(nn.Conv3d(3, 8, 3))
    assert not folds(nn.Conv3d(16, 8, 3, 2))
    assert not folds(nn.Conv3d(3, 6, 3, 2, groups=3))
    assert not folds(nn.Conv3d(3, 8, 3, 2, dilation=2))
    assert not folds(nn.Conv3d(3, 8, 3, 2, padding_mode="replicate"))
    assert not folds(nn.Linear(3, 8))


def test_stems_are_folded_within_the_context_only() -> None:
    network = as_network(nn.Sequential(nn.Conv3d(3, 4, 3, 2), nn.ReLU(), nn.Conv3d(4, 4, 3)))
    with folded_stems(network):
        assert isinstance(network.module[0], FoldedConvolution)  # type: ignore[index]
    assert type(network.module[0]) is nn.Conv3d  # type: ignore[index]
