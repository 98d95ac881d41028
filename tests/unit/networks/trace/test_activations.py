"""Every activation of torch, in place or not, is followed element by element."""

from __future__ import annotations

import inspect
from collections.abc import Iterator

import pytest
import torch
from torch import nn

from reportgen.networks.core.network import Network
from reportgen.networks.kernels.places import output_places
from reportgen.networks.trace.build import connection_graph

#: Those that mix elements, or halve the channels.
_OTHERS = {"MultiheadAttention", "Softmax", "Softmax2d", "LogSoftmax", "Softmin", "GLU"}


def activations() -> Iterator[nn.Module]:
    for name in nn.modules.activation.__all__:
        kind = getattr(nn, name)
        needed = {"Threshold": (0.1, 0.0)}.get(name, ())
        if name not in _OTHERS:
            yield kind(*needed)
            if "inplace" in inspect.signature(kind).parameters:
                yield kind(*needed, inplace=True)


@pytest.mark.parametrize("activation", list(activations()), ids=repr)
def test_places_and_connections_pass_an_activation(activation: nn.Module) -> None:
    first, last = nn.Conv3d(3, 4, 3, padding=1), nn.Conv3d(4, 5, 3, padding=1)
    module = nn.Sequential(first, activation, last, nn.AdaptiveAvgPool3d(1), nn.Flatten())
    module.eval()
    network = Network(module)
    assert output_places(network, (1, 3, 4, 6, 6), ["2"])["2"] is not None
    graph = connection_graph(network, (1, 3, 4, 6, 6))
    assert not graph.unknown_operations
    assert torch.is_grad_enabled()
