"""Rectifiers that let a little through, whatever their spelling."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from torch import Tensor
from torch.nn import functional

from reportgen.networks.trace.smoothed import SmoothedRectifiers

SPELLINGS: dict[str, Callable[[Tensor], Tensor]] = {
    "relu": functional.relu,
    "torch": torch.relu,
    "method": lambda x: x.relu(),
    "in place": lambda x: torch.relu_(x.clone()),
    "in place, by its input": lambda x: in_place(x.clone()),
    "module": torch.nn.ReLU(),
    "clamp": lambda x: x.clamp(min=0),
    "maximum": lambda x: torch.maximum(x, torch.zeros_like(x)),
    "where": lambda x: torch.where(x > 0, x, torch.zeros_like(x)),
    "mask": lambda x: x * (x > 0),
}


def in_place(values: Tensor) -> Tensor:
    torch.relu_(values)
    return values


@pytest.mark.parametrize("name", SPELLINGS)
def test_what_is_below_the_threshold_passes_on_the_more_the_nearer_it_is(name: str) -> None:
    values = torch.tensor([[-6.0, -5.0, -4.0], [-0.6, -0.5, -0.4]], requires_grad=True)
    with SmoothedRectifiers():
        answer = SPELLINGS[name](values)
    (slope,) = torch.autograd.grad(answer.sum(), values)
    assert (answer > 0).all()
    assert (slope > 0).all()
    assert (slope.diff(dim=1) > 0).all()
    assert torch.allclose(slope[0], slope[1])  # as soft as each sample's values vary
    assert SPELLINGS[name](values).count_nonzero() == 0  # outside of the context it is as it was


def test_a_ceiling_stays() -> None:
    with SmoothedRectifiers():
        assert functional.relu6(torch.tensor([[3.0, 9.0]])).max() == 6


def test_other_operations_are_as_they_are() -> None:
    values = torch.linspace(-2, 2, 9)
    with SmoothedRectifiers():
        assert torch.equal(values.clamp(-1, 1), torch.clamp(values, -1, 1))
        assert torch.equal((values * 2).where(values > 1, values), torch.where(values > 1, values * 2, values))
