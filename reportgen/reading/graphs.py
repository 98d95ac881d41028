"""A class pyramid's graph as pages ask about it: the class and its kernels as numbered nodes, in layers."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from functools import cached_property

from reportgen.reading.excerpt import Excerpt
from reportgen.records.pyramid_schema import KernelPlace, NodeFigures, PyramidDocument, ThetaCurve

Neighbours = dict[int, list[tuple[int, float]]]


@dataclass(frozen=True)
class Node:
    """A kernel in a pyramid, or the class at depth 0; `order` is its place in the column of its layer."""

    layer: str
    index: int
    depth: int
    relevance: float
    activation: float | None = None
    order: int = 0


@dataclass(frozen=True)
class Edge:
    """What node `source` contributes to node `target`; both are places in the list of nodes."""

    source: int
    target: int
    contribution: float


@dataclass(frozen=True)
class Graph:
    """A class pyramid. Node 0 is the class; `layers` are (name, back-steps from the class), the class's own first.

    `negative` are the kernels that speak most against the class; they have no edges. `edge_total` counts the edges
    between kept kernels, of which `edges` are the strongest. `conservation` is the error of the sums of relevance,
    relative to the logit; None when no layer behind the class could be compared. `document` is what all this is from.
    """

    nodes: tuple[Node, ...]
    edges: tuple[Edge, ...]
    layers: tuple[tuple[str, int], ...]
    negative: tuple[Node, ...]
    logit: float
    scoring: str
    edge_total: int
    theta: ThetaCurve
    conservation: float | None
    document: PyramidDocument

    @cached_property
    def places(self) -> dict[tuple[str, int], int]:
        """Where each kernel stands in `nodes`."""
        return {(node.layer, node.index): place for place, node in enumerate(self.nodes) if node.depth}

    @cached_property
    def _ends(self) -> tuple[Neighbours, Neighbours]:
        feeds: Neighbours = defaultdict(list)
        fed_by: Neighbours = defaultdict(list)
        for edge in self.edges:
            feeds[edge.source].append((edge.target, edge.contribution))
            fed_by[edge.target].append((edge.source, edge.contribution))
        return feeds, fed_by

    def neighbours(self, place: int, most: int = 5) -> tuple[Excerpt[tuple[Node, float]], Excerpt[tuple[Node, float]]]:
        """Return the strongest targets and the strongest sources of a node, each with its contribution."""

        def strongest(ends: Neighbours) -> Excerpt[tuple[Node, float]]:
            ordered = sorted(ends.get(place, []), key=lambda end: -abs(end[1]))
            return Excerpt.of(ordered, most).map(lambda end: (self.nodes[end[0]], end[1]))

        feeds, fed_by = map(strongest, self._ends)
        return feeds, fed_by


def as_graph(document: PyramidDocument) -> Graph:
    """Return the graph of a pyramid's document."""
    nodes = (Node("", document.class_.index, 0, _shown(document)), *(_node(node) for node in document.nodes))
    places = {(node.layer, node.index): place for place, node in enumerate(nodes) if node.depth}

    def place(end: KernelPlace) -> int:
        return 0 if end.layer is None else places[end.layer, end.index]

    return Graph(
        nodes=nodes,
        edges=tuple(Edge(place(edge.source), place(edge.target), edge.contribution) for edge in document.edges),
        layers=(("", 0), *((layer.name, layer.depth) for layer in document.layers if layer.kept)),
        negative=tuple(_node(node) for node in document.negative),
        logit=_shown(document),
        scoring=document.scoring,
        edge_total=document.edge_total,
        theta=document.theta_curve,
        conservation=_conservation(document),
        document=document,
    )


def _shown(document: PyramidDocument) -> float:
    """Return the logit as pages show it: above the mean of all classes', where the document says so."""
    return document.logit if document.above_mean is None else document.above_mean


def _conservation(document: PyramidDocument) -> float | None:
    """Return the conservation error; None when only the class's own layer was compared, where it says nothing."""
    found = document.conservation
    return found.error if found and len(found.cuts) > 1 else None


def _node(node: NodeFigures) -> Node:
    return Node(node.layer, node.index, node.depth, node.relevance, node.activation, node.order)
