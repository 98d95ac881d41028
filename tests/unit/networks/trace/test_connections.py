"""The connection graph: boundaries, fall-backs and what it leaves as it was."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from reportgen.errors import NetworkError, UnknownNameError
from reportgen.networks.trace.build import connection_graph

CLIP = (1, 3, 2, 4, 4)


class Around(nn.Module):
    """Two convolutions with something in between."""

    def __init__(self, between: nn.Module) -> None:
        super().__init__()
        self.first = nn.Conv3d(3, 4, 1)
        self.between = between
        self.last = nn.Conv3d(4, 2, 1)

    def forward(self, x: Tensor) -> Tensor:
        return self.last(self.between(self.first(x))).flatten(2).mean(2)


class Call(nn.Module):
    def __init__(self, function) -> None:
        super().__init__()
        self.function = function

    def forward(self, x: Tensor) -> Tensor:
        return self.function(x)


def test_an_unknown_operation_is_a_boundary_with_its_name() -> None:
    graph = connection_graph(Around(Call(lambda x: x.logcumsumexp(1))), CLIP)
    assert graph.unknown_operations == {"logcumsumexp": 1}
    assert graph.boundaries == ("between:logcumsumexp",)
    assert graph.feeding[graph.positions["last"]] == (graph.positions["between:logcumsumexp"],)
    assert len(graph.sources("between:logcumsumexp", 0)) == 4


def test_attention_is_a_boundary_between_its_projections() -> None:
    class Attention(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.attention = nn.MultiheadAttention(4, 1, batch_first=True)

        def forward(self, x: Tensor) -> Tensor:
            tokens = x.flatten(2).transpose(1, 2)
            return self.attention(tokens, tokens, tokens, need_weights=False)[0].transpose(1, 2).view_as(x)

    graph = connection_graph(Around(Attention()), CLIP)
    assert graph.boundaries == ("between.attention:attention",)
    assert not graph.unknown_operations
    projection = graph.layers[graph.feeding[graph.positions["last"]][0]]
    assert projection.name == "between.attention.out_proj"
    assert [graph.layers[p].name for p in graph.feeding[graph.positions[projection.name]]] == list(graph.boundaries)


def test_control_flow_by_an_activation_is_traced_on_values_and_named() -> None:
    graph = connection_graph(Around(Call(lambda x: x * 2 if x.mean() > 10 else x.flip(1))), CLIP)
    assert graph.traced_with == "values"
    assert "DataDependent" in graph.reason
    assert graph.value_dependent == ("between",)
    assert graph.layer("last").inputs.tolist() == [[6, 5, 4, 3]]


def test_a_weight_that_reads_its_own_response_is_named_and_left_out() -> None:
    class Recurrent(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.step = nn.Conv3d(3, 3, 1)

        def forward(self, x: Tensor) -> Tensor:
            return self.step(torch.tanh(self.step(x))).flatten(2).mean(2)

    graph = connection_graph(Recurrent(), CLIP)
    assert graph.recurrent == (("step", "step"),)
    assert [layer.name for layer in graph.layers] == ["input", "step"]
    assert set(graph.sources("step", 0).tolist()) == {0, 1, 2}


def test_weights_shared_by_two_branches_are_one_layer() -> None:
    class Siamese(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.left, self.right, self.shared = nn.Conv3d(3, 2, 1), nn.Conv3d(3, 2, 1), nn.Conv3d(2, 2, 1)

        def forward(self, x: Tensor) -> Tensor:
            return (self.shared(self.left(x)) + self.shared(self.right(x))).flatten(2).mean(2)

    graph = connection_graph(Siamese(), CLIP)
    assert [layer.name for layer in graph.layers].count("shared") == 1
    # `right` is first used behind `shared`, so its edge would lead backwards in the order of first use.
    assert {graph.locate(int(n))[0] for n in graph.sources("shared", 0)} | {
        source for source, _ in graph.recurrent
    } == {"left", "right"}


def test_gradient_flags_and_modes_are_given_back() -> None:
    network = Around(nn.BatchNorm3d(4)).train()
    network.first.weight.requires_grad_(False)
    before = network.between.running_mean.clone()
    connection_graph(network, CLIP)
    assert network.between.training
    assert not network.first.weight.requires_grad
    assert network.last.weight.requires_grad
    assert torch.equal(network.between.running_mean, before)
    assert not any(module._forward_hooks or module._forward_pre_hooks for module in network.modules())


def test_depth_is_the_longest_way_to_the_class() -> None:
    class Skip(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.a, self.b, self.c = nn.Conv3d(3, 4, 1), nn.Conv3d(4, 4, 1), nn.Conv3d(4, 2, 1)
            self.unused = nn.Conv3d(3, 4, 1)

        def forward(self, x: Tensor) -> Tensor:
            self.unused(x)
            x = self.a(x)
            return self.c(x + self.b(x)).flatten(2).mean(2)

    graph = connection_graph(Skip(), CLIP)
    depths = graph.depths(graph.class_kernels(1))
    assert {layer.name: int(d) for layer, d in zip(graph.layers, depths, strict=True)} == {
        "input": 3,
        "a": 2,
        "b": 1,
        "c": 0,
        "unused": -1,
    }
    assert graph.edge_count == sum(len(graph.edges(layer.name)) for layer in graph.layers)
    assert graph.edges("c").dtype == np.int32


def test_a_clip_that_the_network_cannot_take_is_one_sentence() -> None:
    with pytest.raises(NetworkError, match="cannot run on a clip of shape"):
        connection_graph(Around(nn.Identity()), (1, 5, 2, 4, 4))


def test_an_unknown_layer_names_the_nearest() -> None:
    with pytest.raises(UnknownNameError, match="did you mean first"):
        connection_graph(Around(nn.Identity()), CLIP).layer("frist")


@pytest.mark.parametrize("strided", [torch.Tensor.as_strided, torch.Tensor.as_strided_])
def test_a_view_by_strides_is_followed_where_it_shows_what_it_is_a_view_of(strided) -> None:
    alike = connection_graph(Around(Call(lambda x: strided(x.clone(), x.shape, x.stride()))), CLIP)
    assert alike.boundaries == ()
    assert alike.feeding[alike.positions["last"]] == (alike.positions["first"],)
    moved = connection_graph(Around(Call(lambda x: strided(x.clone(), x.shape, (*x.stride()[:3], 1, 4)))), CLIP)
    assert len(moved.boundaries) == 1


def test_pooling_channels_that_lie_last_is_followed() -> None:
    class Transposed(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.first = nn.Conv3d(3, 4, 1)
            self.head = nn.Linear(4, 2)

        def forward(self, x: Tensor) -> Tensor:
            maps = self.head(self.first(x).permute(0, 2, 3, 4, 1)).permute(0, 4, 1, 2, 3)
            return nn.functional.adaptive_avg_pool3d(maps, 1).flatten(1)

    graph = connection_graph(Transposed(), CLIP)
    assert graph.boundaries == ()
    assert [graph.locate(int(number)) for number in graph.class_kernels(1)] == [("head", 1)]
