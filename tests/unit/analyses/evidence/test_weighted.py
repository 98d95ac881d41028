"""Connections by weights: what was planted is found, over branches, groups, sums and both ways round."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from reportgen.analyses.evidence.weighted import weighted_links
from reportgen.networks.core.network import Network
from reportgen.networks.trace.build import connection_graph

SHAPE = (1, 3, 4, 8, 8)


class Planted(nn.Module):
    """Two convolutions whose sum a grouped one reads, and a linear layer as wide as it is high."""

    def __init__(self) -> None:
        super().__init__()
        self.first = nn.Conv3d(3, 4, 1)
        self.second = nn.Conv3d(4, 4, 1, bias=False)
        self.grouped = nn.Conv3d(4, 4, 1, groups=2)
        self.square = nn.Linear(4, 4)
        for layer in (self.first, self.second, self.grouped, self.square):
            nn.init.zeros_(layer.weight)

    def forward(self, clips: Tensor) -> Tensor:
        first = torch.relu(self.first(clips))
        maps = self.grouped(first + self.second(first))
        return self.square(maps.mean((2, 3, 4)))


def found(module: nn.Module) -> dict[str, dict[str, list[list[tuple[str, int, float]]]]]:
    """Return, by layer, of each kernel what feeds it and what it feeds."""
    network = Network(module.eval())
    graph = connection_graph(network, SHAPE)
    names = [layer.name for layer in graph.layers]
    links = weighted_links(network, graph, ["first", "second", "grouped", "square"])
    return {
        layer: {
            way: [[(names[int(p)], int(i), round(float(s), 4)) for p, i, s in rows if p >= 0] for rows in table[:, at]]
            for at, way in enumerate(("fed_by", "feeds"))
        }
        for layer, table in links.items()
    }


def test_shares_are_those_of_the_squared_weights_of_the_kernel_that_reads() -> None:
    module = Planted()
    with torch.no_grad():
        module.second.weight[1, 0], module.second.weight[1, 3] = 3.0, -4.0
    links = found(module)
    assert links["second"]["fed_by"][1] == [("first", 3, 0.64), ("first", 0, 0.36)]
    assert links["second"]["fed_by"][0] == []
    assert links["first"]["feeds"][3] == [("second", 1, 0.64)]
    assert links["first"]["fed_by"][3] == [], "pixels are no kernels"


def test_both_terms_of_a_sum_feed_what_reads_it_and_groups_read_their_own_channels() -> None:
    module = Planted()
    with torch.no_grad():
        module.grouped.weight[3, 1] = 2.0  # the second group's second channel is kernel 3
    links = found(module)
    assert links["grouped"]["fed_by"][3] == [("first", 3, 1.0), ("second", 3, 1.0)]
    assert links["second"]["feeds"][3] == links["first"]["feeds"][3] == [("grouped", 3, 1.0)]
    assert links["second"]["feeds"][1] == []


def test_a_linear_layer_that_is_square_is_read_the_right_way_round() -> None:
    module = Planted()
    with torch.no_grad():
        module.square.weight[2, 1] = 5.0
    links = found(module)
    assert links["square"]["fed_by"][2] == [("grouped", 1, 1.0)]
    assert links["square"]["fed_by"][1] == []
    assert links["grouped"]["feeds"][1] == [("square", 2, 1.0)]


def test_the_strongest_few_are_kept_the_strongest_first() -> None:
    module = nn.Sequential(nn.Conv3d(3, 9, 1), nn.ReLU(), nn.Conv3d(9, 2, 1))
    with torch.no_grad():
        module[2].weight[0, :, 0, 0, 0] = torch.arange(9.0)
    network = Network(module.eval())
    graph = connection_graph(network, SHAPE)
    (table,) = weighted_links(network, graph, ["2"]).values()
    assert table[0, 0, :, 1].tolist() == [8, 7, 6, 5, 4]
    assert table[0, 0, 0, 2] == torch.tensor(64 / 204)
