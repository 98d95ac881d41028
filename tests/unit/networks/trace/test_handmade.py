"""Rectifiers are told by their values, in whatever order these lie in memory."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from reportgen.networks.trace.handmade import _limits, _sample, grows_with, rectified

ORDERS = {
    "contiguous": torch.Tensor.contiguous,
    "channels last": lambda maps: maps.contiguous(memory_format=torch.channels_last_3d),
    "every second frame": lambda maps: maps.repeat_interleave(2, 2)[:, :, ::2],
    "expanded": lambda maps: maps[:, :, :1].expand_as(maps),
}


def maps(seed: int = 0) -> Tensor:
    return torch.randn(2, 6, 4, 9, 11, generator=torch.Generator().manual_seed(seed))


@pytest.mark.parametrize("order", ORDERS)
def test_limits_and_sampled_places_do_not_depend_on_the_order_of_memory(order: str) -> None:
    given = ORDERS[order](maps())
    assert _limits(given) == (float(given.min()), float(given.max()))
    step = max(1, given.numel() // 4096)
    assert torch.equal(_sample(given), given.flatten()[::step])


@pytest.mark.parametrize("order", ORDERS)
def test_a_positive_part_is_found_in_any_order_of_memory(order: str) -> None:
    given = ORDERS[order](maps())
    found = rectified(0.5 * (given + given.abs()), [maps(1), given])
    assert found is not None
    assert (found.place, found.scale) == (1, 1.0)
    assert rectified(given, [maps(1), given]) is None
    assert rectified(given.abs(), [maps(1), given]) is None


@pytest.mark.parametrize("order", ORDERS)
def test_a_share_that_grows_is_found_in_any_order_of_memory(order: str) -> None:
    given = ORDERS[order](maps())
    assert grows_with(given * given.sigmoid(), [maps(1), given])
    assert not grows_with(given * (-given).sigmoid(), [maps(1), given])
    assert not grows_with(ORDERS[order](maps(1)), [given])
