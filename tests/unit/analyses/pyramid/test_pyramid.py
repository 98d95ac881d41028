"""Class pyramids: hand-computed contributions, selections, tubes, and what is handed to others."""

from __future__ import annotations

import json
from decimal import Decimal
from xml.etree import ElementTree as ET

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812 (torch's own convention)

from reportgen.analyses.pyramid.ablation import ablate
from reportgen.analyses.pyramid.class_pyramid import class_pyramid
from reportgen.analyses.pyramid.export import edge_table, graphml, node_table, published_dictionary, pyramid_document
from reportgen.analyses.pyramid.layout import barycentre_order
from reportgen.analyses.pyramid.parameters import Scoring
from reportgen.analyses.pyramid.select import KeepRule
from reportgen.analyses.pyramid.tubes import saliency_tubes
from reportgen.errors import NetworkError, OptionError, UnknownNameError
from reportgen.networks.trace.build import connection_graph
from reportgen.records.pyramid_schema import PyramidDocument


class Small(nn.Module):
    """Two pointwise convolutions and a classifier over the mean."""

    def __init__(self, activation: nn.Module | None = None) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.first = nn.Conv3d(3, 6, 1)
        self.norm = nn.BatchNorm3d(6)
        self.second = nn.Conv3d(6, 6, 1)
        self.classifier = nn.Linear(6, 3)
        self.activation = activation or nn.ReLU(inplace=True)
        for bias in (self.first.bias, self.second.bias):
            nn.init.uniform_(bias, 0.1, 0.5)  # so that no kernel is silent
        nn.init.uniform_(self.norm.running_mean, -0.2, 0.2)
        with torch.no_grad():
            self.classifier.weight[1] = torch.tensor([1.0, -0.5, 0.8, -0.7, 0.6, 0.4])
        self.eval()

    def forward(self, x: Tensor) -> Tensor:
        x = self.activation(self.norm(self.first(x)))
        x = self.activation(self.second(x))
        return self.classifier(x.flatten(2).mean(2))


class Filled(nn.Module):
    """Puts channels into zeros one part at a time, as ports of other frameworks do; `in_place` False: joins them."""

    def __init__(self, *, in_place: bool) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.first = nn.Conv3d(3, 4, 1)
        self.second = nn.Conv3d(4, 5, 1)
        self.classifier = nn.Linear(5, 3)
        self.in_place = in_place
        self.eval()

    def forward(self, x: Tensor) -> Tensor:
        x = self.first(x).relu()
        if self.in_place:
            joined = torch.zeros(x.shape)
            joined[:, :2] = x[:, 2:]
            joined[:, 2:].copy_(x[:, :2])
        else:
            joined = torch.cat([x[:, 2:], x[:, :2]], 1)
        return self.classifier(self.second(joined).relu().flatten(2).mean(2))


@pytest.fixture
def clip() -> Tensor:
    return torch.rand((1, 3, 4, 6, 6), generator=torch.Generator().manual_seed(1))


@pytest.mark.parametrize("activation", [nn.ReLU(inplace=True), nn.ReLU(), nn.SiLU(), nn.Sigmoid()])
def test_relevance_and_contributions_are_gradient_times_value(activation: nn.Module, clip: Tensor) -> None:
    network = Small(activation)
    pyramid = class_pyramid(network, clip, 1, depth=None, mass=1.0)
    hidden = F.batch_norm(network.first(clip), network.norm.running_mean, network.norm.running_var, eps=1e-5)
    first = network.activation(hidden.clone()).detach().requires_grad_()
    second = network.activation(network.second(first)).clone()
    second.retain_grad()
    logit = network.classifier(second.flatten(2).mean(2))[0, 1]
    logit.backward()
    for layer, value in (("first", first), ("second", second)):
        expected = (value.grad * value).sum((0, 2, 3, 4)).detach().numpy()
        np.testing.assert_allclose(pyramid.layer(layer).relevance, expected, rtol=1e-4, atol=1e-6)
    assert pyramid.logit == pytest.approx(float(logit.detach()), rel=1e-6)
    products = (network.second.weight * network.second.weight.grad).flatten(1).detach().numpy()
    edges = {(edge.source, edge.target): edge.contribution for edge in pyramid.edges}
    between = {pair: value for pair, value in edges.items() if pair[1][0] == "second"}
    assert between
    for (source, target), value in between.items():
        assert value == pytest.approx(products[target[1], source[1]], rel=1e-4, abs=1e-7)


def test_a_residual_channel_is_divided_by_what_each_kernel_brings_to_it() -> None:
    class Residual(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.stem = nn.Conv3d(1, 1, 1, bias=False)
            self.block = nn.Conv3d(1, 1, 1, bias=False)
            self.classifier = nn.Linear(1, 1, bias=False)

        def forward(self, x: Tensor) -> Tensor:
            x = F.relu(self.stem(x))
            out = self.block(x)
            out += x
            return self.classifier(F.relu(out).flatten(2).mean(2))

    network = Residual()
    for layer, weight in ((network.stem, 1.0), (network.block, 3.0), (network.classifier, 0.5)):
        nn.init.constant_(layer.weight, weight)
    pyramid = class_pyramid(network, torch.ones(1, 1, 2, 2, 2), 0, depth=None)
    assert pyramid.logit == 2.0
    edges = {(edge.source[0], edge.target[0]): edge.contribution for edge in pyramid.edges}
    assert edges == pytest.approx({("stem", "classifier"): 0.5, ("block", "classifier"): 1.5, ("stem", "block"): 1.5})
    assert pyramid.layer("stem").relevance.tolist() == [2.0]  # 0.5 by the skip path and 1.5 by the block
    assert pyramid.layer("block").relevance.tolist() == [1.5]


def test_what_is_written_into_a_constant_is_followed(clip: Tensor) -> None:
    written, joined = (class_pyramid(Filled(in_place=kind), clip, 1, depth=None, mass=1.0) for kind in (True, False))
    assert written.kept() == joined.kept()
    assert {(edge.source, edge.target) for edge in written.edges} == {(e.source, e.target) for e in joined.edges}
    for name in ("first", "second"):
        np.testing.assert_allclose(written.layer(name).relevance, joined.layer(name).relevance, rtol=1e-5)
        assert np.abs(written.layer(name).relevance).max() > 0


def test_the_network_is_left_as_it_was(clip: Tensor) -> None:
    network = Small()
    network.train()
    network.first.weight.requires_grad_(False)
    before = {name: value.clone() for name, value in network.state_dict().items()}
    pyramid = class_pyramid(network, clip, 0)
    ablate(network, clip, 0, pyramid, draws=2)
    saliency_tubes(network, clip, pyramid)
    assert network.norm.training
    assert [p.requires_grad for p in network.first.parameters()] == [False, True]
    assert all(parameter.grad is None for parameter in network.parameters())
    assert all(torch.equal(value, before[name]) for name, value in network.state_dict().items())


def test_negative_evidence_is_apart_from_the_graph(clip: Tensor) -> None:
    pyramid = class_pyramid(Small(), clip, 1, depth=None, mass=1.0)
    assert all(node.relevance > 0 for node in pyramid.nodes if node.depth > 0)
    assert pyramid.negative
    assert all(node.relevance < 0 and not node.kept for node in pyramid.negative)
    assert not {(n.layer, n.index) for n in pyramid.nodes} & {(n.layer, n.index) for n in pyramid.negative}


def test_the_predicted_class_is_the_default(clip: Tensor) -> None:
    network = Small()
    assert class_pyramid(network, clip).class_index == int(network(clip).argmax())


class Unlike(nn.Module):
    """Two classes from heads of unlike depth: class 0 behind one convolution, class 1 behind two more."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(2)
        self.stem = nn.Conv3d(3, 4, 1)
        self.near = nn.Linear(4, 1)
        self.second, self.third, self.far = nn.Conv3d(4, 4, 1), nn.Conv3d(4, 4, 1), nn.Linear(4, 1)

    def forward(self, x: Tensor) -> Tensor:
        x = self.stem(x).relu()
        near = self.near(x.flatten(2).mean(2))
        far = self.far(self.third(self.second(x).relu()).relu().flatten(2).mean(2))
        return torch.cat([near, far], 1)


@pytest.mark.parametrize(("index", "layers"), [(0, ["near", "stem"]), (1, ["far", "third", "second", "stem"])])
@pytest.mark.parametrize("scoring", ["attribution", "published"])
def test_classes_of_unlike_heads_have_the_layers_and_depths_of_their_own(
    index: int, layers: list[str], scoring: Scoring, clip: Tensor
) -> None:
    pyramid = class_pyramid(Unlike(), clip, index, depth=None, scoring=scoring)
    assert [(layer.name, layer.depth) for layer in pyramid.layers] == list(zip(layers, range(4), strict=False))
    if pyramid.conservation is not None:
        assert [name for name, _, _ in pyramid.conservation.cuts] == layers
        assert pyramid.conservation.error < 1e-5
    near = class_pyramid(Unlike(), clip, index, depth=1, scoring=scoring)
    assert [layer.name for layer in near.layers] == layers[:2]


@pytest.mark.parametrize("wanted", [None, 1])
def test_one_forward_pass_says_the_class_and_all_of_its_pyramid(wanted: int | None, clip: Tensor) -> None:
    network = Unlike()
    graph = connection_graph(network, clip.shape)
    passes: list[None] = []
    network.stem.register_forward_hook(lambda *_: passes.append(None))
    class_pyramid(network, clip, wanted, graph=graph)
    assert len(passes) == 1


def test_theta_keeps_fewer_kernels_the_higher_it_is(clip: Tensor) -> None:
    pyramid = class_pyramid(Small(), clip, 1, depth=None)
    for counts in pyramid.theta_curve.values():
        assert len(counts) == 21
        assert (np.diff(counts) <= 0).all()
        assert counts[-1] == 1


SCORES = np.array([4.0, -3.0, 3.0, 2.0, 1.0])
EVERY = np.ones(5, bool)


@pytest.mark.parametrize(
    ("selection", "kept"),
    [
        (KeepRule.of(top=2), [0, 2]),
        (KeepRule.of(threshold=0.5), [0, 2, 3]),
        (KeepRule.of(threshold=0.5, top=1), [0]),
        (KeepRule.of(mass=0.7), [0, 2]),
        (KeepRule.of(mass=0.71), [0, 2, 3]),
        (KeepRule.of(mass=1.0), [0, 2, 3, 4]),
        (KeepRule.of(per_layer="top3_in2"), [0, 2, 3]),
        (KeepRule.of(per_layer="top3_in1"), [0, 2, 3]),
        (KeepRule.of(per_layer={"layer": 1}), [0]),
        (KeepRule.of(per_layer="all", mass=0.1), [0]),
    ],
)
def test_selection_keeps_the_best_positive_kernels(selection: KeepRule, kept: list[int]) -> None:
    assert np.flatnonzero(selection.choose(SCORES, EVERY, "layer", 2)).tolist() == kept


def test_selection_leaves_out_kernels_that_feed_nothing_kept() -> None:
    candidates = np.array([False, True, True, True, True])
    assert np.flatnonzero(KeepRule.of(top=1).choose(SCORES, candidates, "layer", 2)).tolist() == [2]


@pytest.mark.parametrize(
    "wrong", [{"threshold": 1.5}, {"top": 0}, {"mass": 0.0}, {"per_layer": "best"}, {"per_layer": {"x": 0}}]
)
def test_parameters_out_of_range_are_refused(wrong: dict[str, object], clip: Tensor) -> None:
    with pytest.raises(OptionError):
        class_pyramid(Small(), clip, 0, **wrong)
    with pytest.raises(OptionError, match="depth"):
        class_pyramid(Small(), clip, 0, depth=0)


def test_a_class_that_does_not_exist_and_a_softmax_are_refused(clip: Tensor) -> None:
    with pytest.raises(UnknownNameError, match=r"no class named '3': .*0 to 2"):
        class_pyramid(Small(), clip, 3)
    with pytest.raises(NetworkError, match="softmax"):
        class_pyramid(nn.Sequential(Small(), nn.Softmax(1)), clip, 0)


def test_a_tube_is_the_sum_of_the_kept_maps(clip: Tensor) -> None:
    network = Small()
    pyramid = class_pyramid(network, clip, 1, depth=1, top=2)
    tube = saliency_tubes(network, clip, pyramid)["second"]
    first = F.relu(network.norm(network.first(clip)))
    maps = F.relu(network.second(first))[0].detach().numpy()
    np.testing.assert_allclose(tube.tube, maps[list(pyramid.kept()["second"])].sum(0), rtol=1e-5)
    np.testing.assert_allclose(tube.maps[0], maps[tube.kernels[0]], rtol=1e-5)
    assert tube.native == (4, 6, 6)


class ChannelsLast(nn.Module):
    """A convolution, then linear layers over the channels of every position, as attention networks have them."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.first = nn.Conv3d(3, 6, 1)
        self.mixing = nn.Linear(6, 5)
        self.deeper = nn.Linear(5, 4)
        self.classifier = nn.Linear(4, 3)
        self.eval().requires_grad_(False)

    def tokens(self, x: Tensor) -> Tensor:
        return self.mixing(torch.relu(self.first(x)).permute(0, 2, 3, 4, 1)).sigmoid()

    def forward(self, x: Tensor) -> Tensor:
        return self.classifier(self.deeper(self.tokens(x)).sigmoid().mean((1, 2, 3)))


def test_linear_layers_over_channels_that_lie_last(clip: Tensor) -> None:
    # torch multiplies such maps by a weight that it repeats, or not, as gradients are wanted or not.
    network = ChannelsLast()
    pyramid = class_pyramid(network, clip, 1, depth=None, mass=1.0)
    assert pyramid.graph.boundaries == ()
    deeper = (network.classifier.weight[1] * network.deeper(network.tokens(clip)).sigmoid().mean((0, 1, 2, 3))).numpy()
    np.testing.assert_allclose(pyramid.layer("deeper").relevance, deeper, rtol=1e-4)
    tokens = network.tokens(clip).requires_grad_()
    network.classifier(network.deeper(tokens).sigmoid()).mean((1, 2, 3))[0, 1].backward()
    mixing = (tokens.grad * tokens).detach().sum((0, 1, 2, 3)).numpy()
    np.testing.assert_allclose(pyramid.layer("mixing").relevance, mixing, rtol=1e-4)


class MatrixInFront(nn.Module):
    """A convolution, and a matrix that multiplies its maps from the left, as codebooks and clusters do."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.first = nn.Conv3d(3, 6, 1)
        self.mixing = nn.Parameter(torch.randn(5, 6))
        self.classifier = nn.Linear(5, 3)
        self.eval().requires_grad_(False)

    def forward(self, x: Tensor) -> Tensor:
        return self.classifier((self.mixing @ torch.relu(self.first(x)).flatten(2)).relu().mean(2))


def test_a_matrix_in_front_of_maps_is_a_layer(clip: Tensor) -> None:
    # torch turns the product around where the maps have gradients.
    network = MatrixInFront()
    pyramid = class_pyramid(network, clip, 1, depth=None, mass=1.0)
    mixed = (network.mixing @ torch.relu(network.first(clip)).flatten(2)).relu().mean(2)[0]
    expected = (network.classifier.weight[1] * mixed).numpy()
    np.testing.assert_allclose(pyramid.layer("mixing").relevance, expected, rtol=1e-4)
    assert len(pyramid.layer("first").relevance) == 6


def test_layers_whose_kernels_lie_last_have_no_tubes(clip: Tensor) -> None:
    network = ChannelsLast()
    pyramid = class_pyramid(network, clip, 1, depth=None, mass=1.0)
    assert {"deeper", "mixing"} <= set(pyramid.kept())
    assert not {"deeper", "mixing"} & set(saliency_tubes(network, clip, pyramid))


def test_silencing_a_layer_zeroes_what_the_class_reads(clip: Tensor) -> None:
    network = Small()
    pyramid = class_pyramid(network, clip, 1, depth=1, per_layer={1: 6}, mass=1.0)
    kept = pyramid.kept()["second"]
    (row,) = ablate(network, clip, 1, pyramid, draws=3, batch=2).layers
    read = F.relu(network.second(F.relu(network.norm(network.first(clip))))).flatten(2).mean(2)[0]
    expected = sum(float((network.classifier.weight[1, i] * read[i]).detach()) for i in kept)
    assert row.drop == pytest.approx(expected, rel=1e-4)
    assert row.count == len(kept)


def test_the_document_holds_the_graph_and_reads_back(clip: Tensor) -> None:
    pyramid = class_pyramid(Small(), clip, 1, depth=None, top=2)
    document = pyramid_document(pyramid, network="small", weights="ab", clip="noise", label="one")
    text = document.model_dump_json()
    assert PyramidDocument.model_validate_json(text) == document
    plain = json.loads(text)
    assert plain["class"] == {"index": 1, "label": "one"}
    assert len(plain["nodes"]) == sum(len(kernels) for kernels in pyramid.kept().values())
    assert len(plain["edges"]) == pyramid.edge_total == len(pyramid.edges)
    places = {(node["layer"], node["index"]) for node in plain["nodes"]} | {(None, 1)}
    for edge in plain["edges"]:
        assert {(edge[end]["layer"], edge[end]["index"]) for end in ("source", "target")} <= places
    root = ET.fromstring(graphml(document))
    space = "{http://graphml.graphdrawing.org/xmlns}"
    assert len(root.findall(f".//{space}edge")) == len(plain["edges"])
    assert len(root.findall(f".//{space}node")) == len(plain["nodes"]) + 1
    assert len(edge_table(document).rows) == len(plain["edges"])
    assert len(node_table(document).rows) == len(plain["nodes"]) + len(plain["negative"])
    assert "contribution" in json.dumps(PyramidDocument.model_json_schema(by_alias=True))


def test_figures_of_kernels_and_edges_are_told_with_the_digits_that_they_carry(clip: Tensor) -> None:
    pyramid = class_pyramid(Small(), clip, 1, depth=None, mass=1.0)
    document = pyramid_document(pyramid, network="small")
    told = [edge.contribution for edge in document.edges]
    assert told == pytest.approx([edge.contribution for edge in pyramid.edges], rel=1e-4)
    figures = [*told, *(value for node in document.nodes for value in (node.relevance, node.activation))]
    assert all(len(Decimal(repr(value)).normalize().as_tuple().digits) <= 5 for value in figures)
    assert [row[-1] for row in edge_table(document).rows] == told
    keys = "{http://graphml.graphdrawing.org/xmlns}data[@key='contribution']"
    assert sorted(float(data.text or "") for data in ET.fromstring(graphml(document)).findall(f".//{keys}")) == sorted(
        told
    )
    # What a reader adds up is still what a layer is said to have.
    for layer in document.layers:
        assert sum(layer.relevances) == pytest.approx(layer.relevance, abs=1e-4 * np.abs(layer.relevances).sum())


def test_the_published_dictionary_nests_kernels_under_those_they_feed(clip: Tensor) -> None:
    pyramid = class_pyramid(Small(), clip, 1, depth=None, top=2)
    kept = pyramid.kept()
    tree = published_dictionary(pyramid)
    assert set(tree) == {1}
    assert set(tree[1]) == set(kept["second"])
    assert all(sorted(below) == sorted(kept["first"]) for below in tree[1].values())
    with pytest.raises(OptionError, match="entries"):
        published_dictionary(pyramid, most=3)


def test_a_column_is_a_permutation_ordered_to_cross_little(clip: Tensor) -> None:
    pyramid = class_pyramid(Small(), clip, 1, depth=None, mass=1.0)
    order = barycentre_order(pyramid)
    for layer in pyramid.layers:
        places = [order[layer.name, int(i)] for i in np.flatnonzero(layer.kept)]
        assert sorted(places) == list(range(len(places)))


def test_no_more_edges_than_asked_for_and_the_strongest(clip: Tensor) -> None:
    every = class_pyramid(Small(), clip, 1, depth=None, mass=1.0)
    few = class_pyramid(Small(), clip, 1, depth=None, mass=1.0, max_edges=3)
    assert few.edge_total == every.edge_total > 3
    assert few.edges == every.edges[:3]
