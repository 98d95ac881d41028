"""Pyramids of networks whose pathway is known: every planted kernel is found, and nothing else."""

from __future__ import annotations

from functools import cache

import networkx
import numpy as np
import pytest
import torch
from torch import Tensor, nn

from reportgen import load_network
from reportgen.analyses.pyramid.ablation import ablate
from reportgen.analyses.pyramid.class_pyramid import ClassPyramid, class_pyramid
from reportgen.analyses.pyramid.export import graphml
from reportgen.errors import NoAnswerError
from reportgen.networks.core.network import Network
from reportgen.networks.core.target import explained
from reportgen.networks.trace.build import connection_graph
from reportgen.networks.trace.graph import ConnectionGraph
from reportgen.records.card import Adapter, ClipSpec, ModelCard
from reportgen.records.targets import Target
from tests.truth.planted_networks import CASES, Planted

SEEDS = range(20)


@cache
def graph_of(case: str, rank: int) -> ConnectionGraph:
    planted = CASES[case](rank, 0)
    return connection_graph(planted.network, tuple(planted.clip.shape))


@cache
def planted_pyramid(case: str, rank: int, seed: int) -> tuple[Planted, ClassPyramid]:
    planted = CASES[case](rank, seed)
    counts = {name: len(kernels) for name, kernels in planted.kernels.items()}
    graph = graph_of(case, rank)
    return planted, class_pyramid(planted.network, planted.clip, 0, depth=None, per_layer=counts, graph=graph)


@pytest.mark.parametrize("rank", [2, 3])
@pytest.mark.parametrize("case", sorted(CASES))
def test_planted_pathways_are_found_exactly(case: str, rank: int) -> None:
    for seed in SEEDS:
        planted, pyramid = planted_pyramid(case, rank, seed)
        assert {name: set(kernels) for name, kernels in pyramid.kept().items()} == planted.kernels, seed
        for (source_layer, source), (target_layer, target) in ((edge.source, edge.target) for edge in pyramid.edges):
            assert source in planted.kernels[source_layer], seed
            assert target_layer == "classifier" or target in planted.kernels[target_layer], seed


@pytest.mark.parametrize("rank", [2, 3])
@pytest.mark.parametrize("case", sorted(CASES))
def test_the_logit_is_conserved_at_every_cut_of_a_bias_free_network(case: str, rank: int) -> None:
    for seed in SEEDS:
        conservation = planted_pyramid(case, rank, seed)[1].conservation
        assert conservation is not None
        assert len(conservation.cuts) >= 2
        assert all(abs(relevance - 1) <= 1e-5 for _, relevance, _ in conservation.cuts), (seed, conservation)
        assert conservation.error <= 1e-5


@pytest.mark.parametrize("case", ["uniform", "inhibition", "groups"])
def test_the_published_scoring_finds_pathways_of_uniform_kernels(case: str) -> None:
    for seed in SEEDS:
        planted = CASES[case](3, seed)
        counts = {1: 3, 2: 3, 3: 3} if case != "groups" else {1: 4, 2: 1, 3: 2}
        pyramid = class_pyramid(
            planted.network, planted.clip, 0, depth=None, scoring="published", per_layer=counts, graph=graph_of(case, 3)
        )
        assert {name: set(kernels) for name, kernels in pyramid.kept().items()} == planted.kernels, seed


def test_the_published_scoring_does_not_see_kernels_whose_taps_sum_to_zero() -> None:
    found = []
    for seed in SEEDS:
        planted = CASES["zero_mean"](3, seed)
        pyramid = class_pyramid(
            planted.network, planted.clip, 0, depth=None, scoring="published", top=3, graph=graph_of("zero_mean", 3)
        )
        found.append(set(pyramid.kept()["first"]) == planted.kernels["first"])
    assert np.mean(found) < 0.5


@pytest.mark.parametrize("case", sorted(CASES))
def test_silencing_the_planted_pathway_costs_more_than_silencing_random_kernels(case: str) -> None:
    planted, pyramid = planted_pyramid(case, 3, 0)
    ablation = ablate(planted.network, planted.clip, 0, pyramid, draws=20, seed=0)
    assert ablation.together.count == sum(len(kernels) for kernels in planted.kernels.values())
    assert [row.layer for row in ablation.layers] == list(pyramid.kept())
    for row in (ablation.together, *ablation.layers):
        assert row.drop > row.random_mean
        assert row.others is not None
        assert row.drop > row.others
    for row in ablation.layers:  # random kernels of all layers break most pathways, of one layer few
        assert row.drop >= row.random_high - 0.01 * abs(ablation.logit)


def test_silencing_a_cut_silences_the_class() -> None:
    planted = CASES["uniform"](3, 0)
    whole = class_pyramid(planted.network, planted.clip, 0, depth=1, per_layer={1: 8}, graph=graph_of("uniform", 3))
    silenced = torch.nn.utils.parameters_to_vector(planted.network.parameters()).clone()
    ablation = ablate(planted.network, planted.clip, 0, whole, draws=1)
    kept = planted.kernels["third"]
    weights = planted.network.classifier.weight[0].detach()
    means = torch.tensor(whole.layer("third").activation, dtype=torch.float32)
    expected = sum(float(weights[i] * means[i]) for i in kept)
    assert ablation.together.drop == pytest.approx(expected, rel=1e-5)
    assert torch.equal(silenced, torch.nn.utils.parameters_to_vector(planted.network.parameters()))


@pytest.mark.long
def test_where_clips_of_a_batch_cannot_be_told_apart_the_ablation_asks_them_one_by_one() -> None:
    """The rows of an attention's products are of no clip that is known: VQ-VAE's pyramid failed for it."""
    small = {"hidden": 8, "blocks": 1, "codes": 8, "code_size": 4, "downsample": [2, 2, 2]}
    spec = {"frames": 4, "height": 8, "width": 8}
    network = explained(load_network("vqvae", untrained=True, model_args=small, clip=spec), Target(kind="mean"))
    clip = torch.rand(1, 3, 4, 8, 8, generator=torch.Generator().manual_seed(0))
    pyramid = class_pyramid(network, clip, 0, depth=2)
    together, alone = (ablate(network, clip, 0, pyramid, draws=2, batch=batch).together for batch in (3, 1))
    assert together.drop == alone.drop != 0
    assert together.random_drops.tolist() == alone.random_drops.tolist()


class Repeated(nn.Module):
    """A layer that is called several times in a row, or whose weights another one shares; with a bias each."""

    def __init__(self, shared: bool) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.stem, self.block = nn.Conv3d(3, 4, 1), nn.Conv3d(4, 4, 3, padding=1)
        self.other, self.head = nn.Conv3d(4, 4, 3, padding=1) if shared else self.block, nn.Linear(4, 3)
        self.other.weight = self.block.weight

    def forward(self, clip: Tensor) -> Tensor:
        maps = torch.relu(self.other(torch.relu(self.block(torch.relu(self.stem(clip))))))
        scores: Tensor = self.head(maps.mean((2, 3, 4)))
        return scores


@pytest.mark.parametrize("shared", [False, True], ids=["two calls", "shared weights"])
def test_a_layer_that_a_path_passes_twice_is_no_cut(shared: bool) -> None:
    """The relevance of its calls together is twice the logit, which is no curvature."""
    network = Repeated(shared).eval()
    pyramid = class_pyramid(network, torch.rand(1, 3, 4, 8, 8), 1, depth=None)
    assert pyramid.conservation is not None
    assert [name for name, _, _ in pyramid.conservation.cuts] == ["head", "stem"]
    assert pyramid.conservation.error < 1e-5


def test_weights_that_are_used_in_two_ways_are_refused_in_a_sentence() -> None:
    class Tied(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.encoder, self.head = nn.Conv3d(3, 4, 2, 2, bias=False), nn.Linear(3, 2)

        def forward(self, clip: Tensor) -> Tensor:
            back = nn.functional.conv_transpose3d(self.encoder(clip).relu(), self.encoder.weight, stride=2)
            scores: Tensor = self.head(back.relu().mean((2, 3, 4)))
            return scores

    with pytest.raises(NoAnswerError, match="The weights of encoder are used in two ways"):
        class_pyramid(Tied().eval(), torch.rand(1, 3, 4, 8, 8), 0)


class Segmenting(nn.Module):
    """Scores of 3 classes at every place, without biases."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.stem, self.out = nn.Conv3d(3, 4, 3, padding=1, bias=False), nn.Conv3d(4, 3, 1, bias=False)

    def forward(self, clip: Tensor) -> Tensor:
        return self.out(torch.relu(self.stem(clip)))


def test_a_kernel_has_one_edge_to_the_mean_of_maps_and_it_is_all_that_it_adds() -> None:
    module, clip = Segmenting().eval(), torch.rand(1, 3, 4, 8, 8, generator=torch.Generator().manual_seed(1))
    card = ModelCard(
        name="maps",
        title="maps",
        clip=ClipSpec(frames=4, height=8, width=8, mean=(0.0,) * 3, std=(1.0,) * 3),
        adapter=Adapter.model_validate({"answer": "N C T H W", "scores": "none"}),
    )
    network = explained(Network(module.requires_grad_(False), card), Target(kind="mean"))
    adds = torch.relu(module.stem(clip)).mean((0, 2, 3, 4)) * module.out.weight.mean(0).flatten()
    document = class_pyramid(network, clip, 0, threshold=0.0).document()
    told = {(edge.source.index, edge.target.layer): edge.contribution for edge in document.edges}
    assert len(document.edges) == document.edge_total == len(told)
    kept = [node.index for node in document.nodes]
    assert kept == sorted(adds.argsort(descending=True)[: len(kept)].tolist(), key=lambda k: -float(adds[k]))
    for kernel in kept:
        assert told[kernel, None] == pytest.approx(float(adds[kernel]), rel=1e-3)
    edges = networkx.parse_graphml(graphml(document)).edges(data="contribution")
    assert {source: value for source, target, value in edges if target == "class/0"} == {
        f"stem/{kernel}": value for (kernel, layer), value in told.items() if layer is None
    }
