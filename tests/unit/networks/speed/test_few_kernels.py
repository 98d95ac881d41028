"""A convolution of few kernels is torch's own, whatever the order of its maps; on a CPU they are channels-last."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor
from torch.nn import functional

from reportgen.networks.speed.few_kernels import few_kernels

CASES: list[tuple[tuple[int, ...], tuple[int, ...], dict[str, Any]]] = [
    ((2, 3, 4, 9, 8), (4, 3, 3, 3, 3), {"padding": (1, 1, 1)}),
    ((2, 12, 5, 9, 8), (1, 12, 5, 4, 4), {}),
    ((2, 3, 4, 9, 8), (4, 3, 1, 3, 3), {"stride": (1, 2, 2), "dilation": (1, 2, 1), "padding": "valid"}),
    ((2, 6, 4, 5, 8), (3, 6, 1, 1, 1), {"stride": (1, 2, 2)}),
    ((3, 4, 5, 8), (2, 3, 3, 3, 3), {"padding": "same"}),
    ((2, 3, 9, 8), (4, 3, 3, 3), {"padding": (1, 1)}),
]


@pytest.mark.parametrize(("maps", "weight", "options"), CASES)
@pytest.mark.parametrize("biased", [True, False])
def test_it_is_torch_s_own_there_and_back(
    maps: tuple[int, ...], weight: tuple[int, ...], options: dict[str, Any], biased: bool
) -> None:
    generator = torch.Generator().manual_seed(0)
    given = torch.randn(maps, generator=generator, dtype=torch.float64, requires_grad=True)
    kernels = torch.randn(weight, generator=generator, dtype=torch.float64)
    bias = torch.randn(weight[0], generator=generator, dtype=torch.float64) if biased else None
    own = functional.conv3d if len(weight) == 5 else functional.conv2d
    answers = few_kernels(given, kernels, bias, **options), own(given, kernels, bias, **options)
    torch.testing.assert_close(*answers)
    torch.testing.assert_close(*(torch.autograd.grad(one.square().sum(), given)[0] for one in answers))


@pytest.mark.parametrize(("side", "last"), [(3, True), (1, False)])
def test_kernels_that_extend_see_channels_last_maps(side: int, last: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[Tensor] = []
    monkeypatch.setattr(functional, "conv3d", lambda *given: seen.extend(given[:2]))
    few_kernels(torch.rand(2, 3, 4, 8, 8), torch.rand(4, 3, side, side, side), None)
    assert seen[0].is_contiguous(memory_format=torch.channels_last_3d) is last
