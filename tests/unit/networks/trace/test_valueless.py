"""Traces of shapes: the same on the meta device as with torch's fake tensors, whose first one takes torch seconds."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812 (torch's own convention)

from reportgen.networks.core.network import Network
from reportgen.networks.trace import valueless
from reportgen.networks.trace.build import connection_graph
from tests.children import run_python

CLIP = (1, 3, 4, 8, 8)


class Body(nn.Module):
    """A convolution, `between`, and a classifier."""

    def __init__(self, between: Callable[[Any, Tensor], Tensor]) -> None:
        super().__init__()
        self.stem, self.tokens, self.norm = nn.Conv3d(3, 4, 3, padding=1), nn.Linear(4, 4), nn.BatchNorm3d(4)
        self.attention, self.memory = nn.MultiheadAttention(4, 2, batch_first=True), nn.LSTM(4, 4, batch_first=True)
        self.head = nn.Linear(4, 2)
        self.register_buffer("order", torch.tensor([2, 0, 3, 1]))
        self.between = between

    def forward(self, clips: Tensor) -> Tensor:
        return self.head(self.between(self, F.relu(self.norm(self.stem(clips)))).flatten(2).mean(2))


def _as_tokens(body: Any, maps: Tensor) -> Tensor:
    tokens = maps.flatten(2).transpose(1, 2)
    return body.tokens(tokens + tokens.relu()).transpose(1, 2)


def _attended(body: Any, maps: Tensor) -> Tensor:
    tokens = maps.flatten(2).transpose(1, 2)
    return body.attention(tokens, tokens, tokens, need_weights=False)[0].transpose(1, 2)


def _in_fewer_bits(body: Any, maps: Tensor) -> Tensor:
    with torch.autocast("cpu", torch.bfloat16):
        return body.tokens(maps.flatten(2).mean(2)).unsqueeze(2).float()


def _by_strides(_body: Any, maps: Tensor) -> Tensor:
    turned = maps.transpose(1, 2).relu()
    return turned.as_strided(maps.shape, maps.stride())


BODIES: dict[str, Callable[[Any, Tensor], Tensor]] = {
    "plain": lambda _body, maps: maps,
    "reordered by a buffer": lambda body, maps: maps[:, body.order],
    "tokens that are no block of memory": _as_tokens,
    "attention": _attended,
    "recurrent": lambda body, maps: body.memory(maps.flatten(2).transpose(1, 2))[0].transpose(1, 2),
    "in fewer bits": _in_fewer_bits,
    "by strides": _by_strides,
    "a tensor on the processor": lambda _body, maps: maps + torch.ones(4, 1, 1, 1),
    "cut off": lambda _body, maps: maps * maps.detach().mean(),
}


@pytest.mark.parametrize("name", BODIES)
def test_the_graph_and_its_cuts_are_those_of_fake_tensors(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    torch.manual_seed(0)
    body = Body(BODIES[name]).eval()
    found = connection_graph(body, CLIP)

    def nowhere(_network: Network) -> Network:
        raise RuntimeError("not on the meta device")

    monkeypatch.setattr(valueless, "_on_meta", nowhere)
    expected = connection_graph(body, CLIP)
    assert [_told(layer) for layer in found.layers] == [_told(layer) for layer in expected.layers]
    assert (found.output == expected.output).all()
    for fact in ("weights", "cuts", "unknown_operations", "recurrent", "value_dependent", "traced_with", "reason"):
        assert getattr(found, fact) == getattr(expected, fact), fact


def _told(layer: Any) -> tuple[Any, ...]:
    return (
        (layer.name, layer.kind, layer.size, layer.groups, layer.layout, layer.parameter, layer.operation),
        layer.inputs.tolist(),
    )


def test_a_network_is_its_own_again_after_a_trace() -> None:
    body = Body(BODIES["plain"]).eval()
    before = {name: (id(value), value.requires_grad) for name, value in body.named_parameters()}
    connection_graph(body, CLIP)
    assert {name: (id(value), value.requires_grad) for name, value in body.named_parameters()} == before


def test_the_compiler_is_not_loaded_for_the_graph_of_a_plain_network() -> None:
    code = (
        "import sys; from reportgen.zoo.load import load_network;"
        "from reportgen.networks.trace.build import connection_graph;"
        "connection_graph(load_network('r3d_18', untrained=True), (1, 3, 16, 112, 112));"
        "sys.exit('torch._dynamo' in sys.modules)"
    )
    assert run_python(code).returncode == 0
