"""A class pyramid's graph as the page draws it: nodes in columns by layer, each column ordered by barycentre."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

SWEEPS = 8
"""Alternating passes over the columns; more change little."""


@dataclass(frozen=True)
class Node:
    """A kernel in a pyramid; `depth` counts back-steps from the class, whose own depth is 0."""

    layer: str
    index: int
    depth: int
    relevance: float
    activation: float | None = None


@dataclass(frozen=True)
class Edge:
    """What kernel `source` contributes to kernel `target`; both are places in the list of nodes."""

    source: int
    target: int
    contribution: float


@dataclass(frozen=True)
class Graph:
    """A class pyramid: its columns are layers, (name, back-steps from the class); the class's own comes first."""

    nodes: tuple[Node, ...]
    edges: tuple[Edge, ...]
    columns: tuple[tuple[str, int], ...]
    logit: float

    @cached_property
    def places(self) -> dict[tuple[str, int], int]:
        """Where each kernel stands in `nodes`."""
        return {(node.layer, node.index): place for place, node in enumerate(self.nodes)}

    @cached_property
    def _ends(self) -> tuple[dict[int, list[tuple[int, float]]], dict[int, list[tuple[int, float]]]]:
        feeds: dict[int, list[tuple[int, float]]] = defaultdict(list)
        fed_by: dict[int, list[tuple[int, float]]] = defaultdict(list)
        for edge in self.edges:
            feeds[edge.source].append((edge.target, edge.contribution))
            fed_by[edge.target].append((edge.source, edge.contribution))
        return feeds, fed_by

    def neighbours(self, place: int, most: int = 5) -> tuple[list[tuple[Node, float]], list[tuple[Node, float]]]:
        """Return the strongest targets and the strongest sources of a node, each with its contribution."""
        feeds, fed_by = (
            [(self.nodes[i], value) for i, value in sorted(ends.get(place, []), key=lambda end: -abs(end[1]))[:most]]
            for ends in self._ends
        )
        return feeds, fed_by


def read_graph(document: Mapping[str, Any]) -> Graph:
    """Return the graph of a pyramid document; see `reportgen.analyses.suite.pyramid` for its schema."""
    nodes = tuple(
        Node(entry["layer"], entry["index"], entry["depth"], float(entry["relevance"]), entry.get("activation"))
        for entry in document["nodes"]
    )
    edges = tuple(Edge(entry["source"], entry["target"], float(entry["contribution"])) for entry in document["edges"])
    depths = {node.layer: node.depth for node in reversed(nodes)}
    columns = sorted(depths.items(), key=lambda pair: pair[1])
    return Graph(nodes, edges, tuple(columns), float(document["logit"]))


def barycentre_order(nodes: Sequence[Node], edges: Sequence[Edge], columns: Sequence[tuple[str, int]]) -> list[int]:
    """Return each node's place in its column so that edges cross little (Sugiyama, Tagawa and Toda 1981).

    Columns start in the order of relevance and are then sorted, sweep by sweep to the right and back, by the mean
    place of their neighbours, weighted by the size of the contribution.
    """
    column_of = {layer: i for i, (layer, _) in enumerate(columns)}
    members: list[list[int]] = [[] for _ in columns]
    for i, node in enumerate(nodes):
        members[column_of[node.layer]].append(i)
    place = [0.0] * len(nodes)
    for column in members:
        _settle(column, [-nodes[i].relevance for i in column], place)
    to_left: dict[int, list[tuple[int, float]]] = defaultdict(list)
    to_right: dict[int, list[tuple[int, float]]] = defaultdict(list)
    for edge in edges:
        weight = abs(edge.contribution)
        to_left[edge.source].append((edge.target, weight))
        to_right[edge.target].append((edge.source, weight))
    for sweep in range(SWEEPS):
        forward = sweep % 2 == 0
        near = to_left if forward else to_right
        for column in members if forward else reversed(members):
            _settle(column, [_centre(near[i], place, place[i]) for i in column], place)
    ranks = [0] * len(nodes)
    for column in members:
        for rank, i in enumerate(sorted(column, key=place.__getitem__)):
            ranks[i] = rank
    return ranks


def _centre(neighbours: Sequence[tuple[int, float]], place: Sequence[float], otherwise: float) -> float:
    total = sum(weight for _, weight in neighbours)
    return sum(place[i] * weight for i, weight in neighbours) / total if total > 0 else otherwise


def _settle(column: list[int], keys: Sequence[float], place: list[float]) -> None:
    order = sorted(range(len(column)), key=keys.__getitem__)
    for rank, i in enumerate(order):
        place[column[i]] = (rank + 0.5) / len(column)
