"""Convolutions and linear maps by functions are counted, however they are spelt, and those of layers are not."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

from reportgen.networks.trace.functional import functional_layers

SPELLINGS: dict[str, Callable[[Tensor, Tensor, Tensor], Tensor]] = {
    "linear": functional.linear,
    "linear without bias": lambda x, w, _b: functional.linear(x, w),
    "matmul": lambda x, w, _b: torch.matmul(x, w.t()),
    "operator": lambda x, w, b: x @ w.T + b,
    "einsum": lambda x, w, _b: torch.einsum("ntc,kc->ntk", x, w),
    "addmm": lambda x, w, b: torch.addmm(b, x.flatten(0, 1), w.T),
    "one by one": lambda x, w, _b: torch.stack([w @ row for row in x[0]]),
}


class Mixed(nn.Module):
    """A convolution and a linear layer, and a linear map by a function."""

    def __init__(self, spelling: str) -> None:
        super().__init__()
        self.spelling = spelling
        self.stem, self.last = nn.Conv2d(3, 6, 3), nn.Linear(5, 2)
        self.weight, self.bias = nn.Parameter(torch.randn(5, 6)), nn.Parameter(torch.randn(5))

    def forward(self, frames: Tensor) -> Tensor:
        tokens = self.stem(frames).flatten(2).transpose(1, 2)
        return self.last(SPELLINGS[self.spelling](tokens, self.weight, self.bias))


@pytest.mark.parametrize("device", ["cpu", "meta"])
@pytest.mark.parametrize("spelling", SPELLINGS)
def test_a_linear_map_by_a_function_is_counted(spelling: str, device: str) -> None:
    network = Mixed(spelling).eval().to(device)
    convolutions, products = functional_layers(network, lambda: network(torch.zeros(1, 3, 5, 6, device=device)))
    assert convolutions == {}
    assert products == {"5 6": 12 if spelling == "one by one" else 1}


@pytest.mark.parametrize("device", ["cpu", "meta"])
def test_layers_and_products_of_activations_are_not_counted(device: str) -> None:
    class Attention(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.asks, self.keys, self.values = (nn.Linear(6, 6) for _ in range(3))

        def forward(self, tokens: Tensor) -> Tensor:
            weights = (self.asks(tokens) @ self.keys(tokens).transpose(1, 2)).softmax(2)
            return weights @ self.values(tokens)

    network = Attention().eval().to(device)
    assert functional_layers(network, lambda: network(torch.zeros(1, 4, 6, device=device))) == ({}, {})


@pytest.mark.parametrize("training", [True, False])
@pytest.mark.parametrize("device", ["cpu", "meta"])
def test_torch_s_attention_takes_its_weights_by_functions(device: str, training: bool) -> None:
    network = nn.MultiheadAttention(6, 2, batch_first=True).train(training).to(device)

    def run() -> object:
        tokens = torch.zeros(1, 4, 6, device=device)
        return network(tokens, tokens, tokens)

    _, products = functional_layers(network, run)
    assert products == {"18 6": 1, "6 6": 1}
