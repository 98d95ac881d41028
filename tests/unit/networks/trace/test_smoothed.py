"""Rectifiers that let a little through, whatever their spelling."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from torch import Tensor
from torch.nn import functional

from reportgen.networks.trace.smoothed import SmoothedRectifiers, _smoothed, _smoothed_there

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


ORDERS: dict[str, Callable[[Tensor], Tensor]] = {
    "contiguous": lambda x: x,
    "channels last": lambda x: x.contiguous(memory_format=torch.channels_last_3d),
    "with gaps": lambda x: x[..., ::2],
    "rows": lambda x: x.flatten(1),
}


@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize(("kind", "rounding"), [(torch.float32, 1e-6), (torch.bfloat16, 0.03)])
def test_a_processor_smooths_as_other_devices_do(order: str, kind: torch.dtype, rounding: float) -> None:
    generator = torch.Generator().manual_seed(0)
    values = torch.randn((3, 5, 4, 6, 8), generator=generator) * torch.tensor([1.0, 0.0, 20.0]).view(3, 1, 1, 1, 1)
    given = ORDERS[order](values + 1).to(kind).requires_grad_()
    back = torch.randn(given.shape, generator=generator).to(kind)
    found, wanted = (one(given) for one in (_smoothed, _smoothed_there))
    assert found.dtype == kind
    for one, other in (
        (found.detach(), wanted.detach()),
        (torch.autograd.grad(found, given, back)[0], torch.autograd.grad(wanted, given, back)[0]),
    ):
        scale = other.float().abs().flatten(1).amax(1).view(-1, *[1] * (other.ndim - 1)) + 1e-6
        assert float(((one - other).float().abs() / scale).max()) < 4 * rounding
