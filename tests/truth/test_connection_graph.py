"""The connection graph against the derivative: an edge exists exactly when a channel can change a response."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from torch import Tensor, nn

from reportgen.networks.trace.build import connection_graph
from reportgen.networks.trace.graph import ConnectionGraph
from tests.truth.random_networks import HEADS, STEPS, WINDOWS, RandomNetwork

Edge = tuple[str, int, str, int]
KERNELS = (nn.Conv2d, nn.Conv3d, nn.ConvTranspose2d, nn.ConvTranspose3d, nn.Linear)


class CutPass:
    """A forward pass in which each kernel layer's responses are cut off from what made them.

    The derivative of a response then reaches only the kernels that feed it directly. `made` and `leaves` are a
    layer's responses before and behind the cut, with the kernels' axis first.
    """

    def __init__(self, network: nn.Module, clip: Tensor) -> None:
        leaf = clip.clone().requires_grad_()
        self.leaves: dict[str, tuple[Tensor, int]] = {"input": (leaf, 1)}
        self.made: dict[str, Tensor] = {}
        layers = [(name, child) for name, child in network.named_modules() if isinstance(child, KERNELS)]
        handles = [child.register_forward_hook(self._cut(name)) for name, child in layers]
        self.made["scores"] = network(leaf.clone()).movedim(1, 0)
        for handle in handles:
            handle.remove()

    def _cut(self, name: str) -> Callable[[nn.Module, object, Tensor], Tensor]:
        def hook(module: nn.Module, _args: object, output: Tensor) -> Tensor:
            axis = output.ndim - 1 if isinstance(module, nn.Linear) else 1
            self.made[name] = output.movedim(axis, 0)
            leaf = output.detach().clone().requires_grad_()
            self.leaves[name] = (leaf, axis)
            return leaf.clone()

        return hook

    def edges(self) -> set[Edge]:
        """All (source layer, kernel, target layer, kernel) with a derivative that is not zero everywhere."""
        generator = torch.Generator().manual_seed(0)
        names = list(self.leaves)
        found = set()
        for target, responses in self.made.items():
            for i, response in enumerate(responses):
                if not response.requires_grad:
                    continue
                weights = torch.randn(response.shape, generator=generator, dtype=response.dtype)
                tensors = [leaf for leaf, _ in self.leaves.values()]
                parts = torch.autograd.grad((response * weights).sum(), tensors, retain_graph=True, allow_unused=True)
                for source, gradient in zip(names, parts, strict=True):
                    if gradient is not None:
                        strength = gradient.movedim(self.leaves[source][1], 0).flatten(1).abs().amax(1)
                        found |= {(source, int(j), target, i) for j in np.flatnonzero(strength.numpy())}
        return found


def jacobian_edges(network: RandomNetwork, inputs: int = 3) -> set[Edge]:
    """The union over several clips: a maximum may leave a channel out on one of them."""
    return set().union(*(CutPass(network, network.kit.clip(seed)).edges() for seed in range(inputs)))


def graph_edges(graph: ConnectionGraph) -> set[Edge]:
    """The graph's edges, those into the class scores included."""
    found = set()
    for layer in graph.layers:
        for source, target in graph.edges(layer.name):
            name, index = graph.locate(int(target))
            found.add((*graph.locate(int(source)), name, index))
    for index in range(graph.output.shape[1]):
        found |= {(*graph.locate(int(number)), "scores", index) for number in graph.class_kernels(index)}
    return found


def assert_graph_is_the_jacobians(network: RandomNetwork) -> None:
    graph = connection_graph(network, tuple(network.kit.clip(0).shape))
    assert graph.traced_with == "shapes", graph.reason
    assert not graph.unknown_operations
    assert not graph.boundaries
    assert graph_edges(graph) == jacobian_edges(network)


@pytest.mark.parametrize("rank", [2, 3])
@pytest.mark.parametrize("step", sorted({*STEPS, *WINDOWS}))
def test_each_operation_connects_what_its_derivative_connects(step: str, rank: int) -> None:
    assert_graph_is_the_jacobians(RandomNetwork(rank, [step], "convolution", seed=0))


@pytest.mark.parametrize("rank", [2, 3])
@pytest.mark.parametrize("head", HEADS)
def test_each_classifier_connects_what_its_derivative_connects(head: str, rank: int) -> None:
    assert_graph_is_the_jacobians(RandomNetwork(rank, ["shuffled", "sliced", "residual"], head, seed=1))


@settings(max_examples=40, derandomize=True, suppress_health_check=[HealthCheck.too_slow])
@given(
    rank=st.sampled_from([2, 3]),
    steps=st.lists(st.sampled_from(sorted(STEPS)), min_size=2, max_size=5),
    head=st.sampled_from(HEADS),
    seed=st.integers(0, 1000),
)
def test_random_networks_connect_what_their_derivative_connects(
    rank: int, steps: list[str], head: str, seed: int
) -> None:
    assert_graph_is_the_jacobians(RandomNetwork(rank, steps, head, seed))


def test_every_edge_leads_to_a_later_layer_and_every_kernel_is_there_once() -> None:
    network = RandomNetwork(3, ["inception", "residual", "fibres", "gate"], "linear", seed=2)
    graph = connection_graph(network, (1, 3, 4, 4, 4))
    for layer in graph.layers:
        edges = graph.edges(layer.name)
        assert len(np.unique(edges, axis=0)) == len(edges)
        assert (edges[:, 0] < layer.offset).all()
    kernels = {layer.name: layer.size for layer in graph.layers if layer.kernels}
    weights = {name: m for name, m in network.named_modules() if isinstance(m, KERNELS)}
    assert kernels == {name: m.weight.shape[0] for name, m in weights.items()}
