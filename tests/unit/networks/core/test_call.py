"""A clip becomes what a network is called with: every axis, type and name that an adapter can say."""

from __future__ import annotations

import itertools
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from reportgen.errors import NetworkError
from reportgen.networks.core.bytes import Bytes, as_bytes
from reportgen.networks.core.call import to_call
from reportgen.records.card import Adapter

CLIP = torch.arange(2 * 3 * 4 * 5 * 6.0).view(2, 3, 4, 5, 6)


def called(**adapter: Any) -> tuple[tuple[Any, ...], dict[str, Any]]:
    call = to_call(CLIP, Adapter(**adapter))
    return call.args, dict(call.kwargs)


@pytest.mark.parametrize(
    ("layout", "axes"),
    [("N C T H W", (0, 1, 2, 3, 4)), ("N T C H W", (0, 2, 1, 3, 4)), ("N T H W C", (0, 2, 3, 4, 1))],
)
def test_axes_are_in_the_order_of_the_layout(layout: str, axes: tuple[int, ...]) -> None:
    (given,), named = called(layout=layout)
    assert torch.equal(given, CLIP.permute(axes))
    assert not named


def test_frames_have_no_time_axis() -> None:
    (frames,), _ = called(input="frames", layout="N T H W C")
    assert [tuple(frame.shape) for frame in frames] == [(2, 5, 6, 3)] * 4
    assert torch.equal(frames[2], CLIP[:, :, 2].permute(0, 2, 3, 1))
    single = to_call(CLIP[:, :, :1], Adapter(input="frame")).args[0]
    assert torch.equal(single, CLIP[:, :, 0])
    with pytest.raises(NetworkError, match="clips of one frame, got 4"):
        called(input="frame")


def test_arguments_are_passed_as_a_list_apart_or_by_name() -> None:
    slow, fast = CLIP[:, :, ::2], CLIP
    both: dict[str, Any] = {"input": "pathways", "strides": (2, 1)}
    (listed,), _ = called(**both)
    assert [torch.equal(*pair) for pair in zip(listed, (slow, fast), strict=True)] == [True, True]
    apart, _ = called(**both, as_arguments=True)
    assert [len(apart), torch.equal(apart[0], slow), torch.equal(apart[1], fast)] == [2, True, True]
    none, named = called(**both, as_arguments=True, keywords=("slow", "fast"), constants={"return_dict": False})
    assert none == ()
    assert set(named) == {"slow", "fast", "return_dict"}
    assert torch.equal(named["slow"], slow)
    with pytest.raises(NetworkError, match="names 1 arguments, but there are 2"):
        called(**both, as_arguments=True, keywords=("slow",))


WAYS_TO_REAL_NUMBERS = {
    "float": lambda x: x.float(),
    "to": lambda x: x.to(torch.float32),
    "divided": lambda x: x / 255,
    "multiplied": lambda x: 0.5 * x,
    "subtracted": lambda x: x - 127.5,
    "added to": lambda x: torch.ones(1) + x,
    "typed as": lambda x: x.type(torch.float32),
    "typed as another": lambda x: x.type_as(torch.ones(1)),
}
REARRANGEMENTS = {
    "as they are": lambda x: x,
    "permuted": lambda x: x.permute(0, 2, 1),
    "sliced": lambda x: x[:, ::2],
    "unbound and stacked": lambda x: torch.stack(x.unbind(1), 1),
    "flattened": lambda x: x.flatten(1).contiguous(),
    "split": lambda x: torch.cat(x.split(1, dim=2), dim=2),
    "padded": lambda x: nn.functional.pad(x, (1, 1)),
}


@pytest.mark.parametrize(("way", "order"), list(itertools.product(WAYS_TO_REAL_NUMBERS, REARRANGEMENTS)))
def test_bytes_are_bytes_to_a_network_and_real_numbers_to_its_gradient(way: str, order: str) -> None:
    exact = torch.rand(2, 3, 4, generator=torch.Generator().manual_seed(0)).mul(255).requires_grad_()
    given = as_bytes(exact)

    def network(x: Tensor) -> Tensor:
        return WAYS_TO_REAL_NUMBERS[way](REARRANGEMENTS[order](x))

    assert (given.dtype, given.shape, given.device.type) == (torch.uint8, (2, 3, 4), "cpu")
    assert not given.is_floating_point()
    answer, plain = network(given), network(exact.detach().round().to(torch.uint8))
    assert answer.dtype == torch.float32
    assert type(answer) is Tensor
    assert (answer - plain).abs().max() <= 0.5
    answer.sum().backward()
    wanted = torch.autograd.grad(network(exact).sum(), exact)[0]  # type: ignore[no-untyped-call]
    assert torch.equal(exact.grad, wanted)  # type: ignore[arg-type]


def test_whole_numbers_of_bytes_stay_whole() -> None:
    given = as_bytes(torch.tensor([1.4, 2.6]))
    assert given.long().tolist() == [1, 3]
    assert (given > 2).tolist() == [False, True]
    assert isinstance(given.flip(0), Bytes)
    assert given.tolist() == [1, 3]
