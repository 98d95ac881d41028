"""Searches of networks that take one kind of number alone, and of those whose gradient is not always a number."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from reportgen import maximize_activation, maximize_over_scales

SHAPE = (8, 16, 16)


class Backward(torch.autograd.Function):
    """Takes any number on its way up, and float32 alone on its way back."""

    @staticmethod
    def forward(_context: Any, values: Tensor) -> Tensor:
        return values.clone()

    @staticmethod
    def backward(_context: Any, *gradients: Tensor) -> Any:
        return gradients[0].view(torch.int32).view(torch.float32)


def into_zeros(values: Tensor) -> Tensor:
    memory = torch.zeros(values.shape)
    return memory.index_copy_(2, torch.arange(values.shape[2]), values)


WAYS: dict[str, Callable[[Tensor], Tensor]] = {
    "index_copy_ into zeros": into_zeros,
    "lerp": lambda values: torch.lerp(torch.zeros(values.shape), values, 0.5),
    "complex": lambda values: torch.complex(values, values).abs(),
    "on its way back": Backward.apply,  # type: ignore[no-untyped-call]
    "view of bits": lambda values: values * (values.detach().contiguous().view(torch.int32) != 0),
}


class Net(nn.Module):
    def __init__(self, way: Callable[[Tensor], Tensor]) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.first, self.second = nn.Conv3d(3, 4, 3, padding=1), nn.Conv3d(4, 4, 3, padding=1)
        self.way = way

    def forward(self, clips: Tensor) -> Tensor:
        found: Tensor = self.second(self.way(torch.relu(self.first(clips))))
        return found


@pytest.mark.parametrize("name", WAYS)
def test_what_takes_no_bfloat16_is_searched_in_float32(name: str) -> None:
    network = Net(WAYS[name]).eval().requires_grad_(False)
    asked = {"clip_shape": SHAPE, "steps": 8, "objective": "firing"}
    mixed = maximize_activation(network, "second", [0], precision="mixed", **asked)
    exact = maximize_activation(network, "second", [0], precision="float32", **asked)
    torch.testing.assert_close(mixed.clips, exact.clips)
    (note,) = mixed.notes
    assert note.startswith("Explored in float32, not in bfloat16: the network does not run in bfloat16 (")
    assert float(network(mixed.clips)[0, 0].relu().mean()) == pytest.approx(float(mixed.activations[0]), rel=1e-4)


def test_what_takes_no_bfloat16_grows_in_float32() -> None:
    network = Net(into_zeros).eval()
    asked: dict[str, Any] = {"clip_shape": SHAPE, "steps": 2, "sizes": 2}
    mixed = maximize_over_scales(network, "second", [0], precision="mixed", **asked)
    exact = maximize_over_scales(network, "second", [0], precision="float32", **asked)
    assert mixed.activations.tolist() == exact.activations.tolist()
    assert any("the network does not run in bfloat16 (" in note for note in mixed.notes)


def without_full_rank(values: Tensor) -> Tensor:
    """Return values times something whose gradient is not a number where a row of them is empty."""
    return values * torch.linalg.qr(values.flatten(2))[0].mean()


@pytest.mark.parametrize("precision", ["mixed", "float32"])
def test_a_gradient_that_is_not_a_number_changes_nothing_and_is_told(precision: str) -> None:
    network = Net(without_full_rank).eval().requires_grad_(False)
    with torch.no_grad():
        network.first.bias[1] = -100  # an empty row
    found = maximize_activation(
        network, "second", [0], clip_shape=SHAPE, steps=8, objective="firing", precision=precision
    )
    assert found.clips.isfinite().all()
    assert float(network(found.clips)[0, 0].relu().mean()) == pytest.approx(float(found.activations[0]), rel=1e-3)
    assert "At some steps the gradient was not a number: nothing was changed by it there." in found.notes


def test_grown_pictures_stay_numbers_too() -> None:
    network = Net(without_full_rank).eval().requires_grad_(False)
    with torch.no_grad():
        network.first.bias[1] = -100
    found = maximize_over_scales(network, "second", [0], clip_shape=SHAPE, steps=2, sizes=2)
    assert found.clips.isfinite().all()
    assert "At some steps the gradient was not a number: nothing was changed by it there." in found.notes
