"""A class pyramid as data for others: the JSON document, the published tool's dictionary, GraphML and CSV.

Everything here returns values and writes nothing. Figures of single kernels and edges have GRAPH_DIGITS digits: sums of
thousands of float32 products carry about as many, and with all 17 a graph is twice as large.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import asdict
from typing import Any

from reportgen.analyses.pyramid.class_pyramid import ClassPyramid, PyramidNode
from reportgen.analyses.pyramid.layout import barycentre_order
from reportgen.analyses.pyramid.select import THETAS
from reportgen.errors import OptionError
from reportgen.records.digits import significant
from reportgen.records.figures import TableFigure
from reportgen.records.pyramid_schema import (
    GRAPH_DIGITS,
    ClassFacts,
    ConservationFigures,
    EdgeFigures,
    KernelPlace,
    LayerFigures,
    NodeFigures,
    PyramidDocument,
    ThetaCurve,
)


def pyramid_document(
    pyramid: ClassPyramid,
    *,
    network: str,
    weights: str | None = None,
    clip: str | None = None,
    label: str | None = None,
) -> PyramidDocument:
    """Return the pyramid as its JSON document.

    `network` is the network's name, `weights` the digest of its weights, `clip` the clip's name, `label` the class's.
    """
    order = barycentre_order(pyramid)
    shown = [layer for layer in pyramid.layers if layer.depth > 0]
    conservation = pyramid.conservation
    edges = _edges(pyramid)
    return PyramidDocument(
        network=network,
        weights=weights,
        clip=clip,
        class_=ClassFacts(index=pyramid.class_index, label=label),
        logit=pyramid.logit,
        above_mean=pyramid.above_mean,
        scoring=pyramid.scoring,
        parameters=dict(pyramid.parameters),
        layers=tuple(
            LayerFigures(
                name=layer.name,
                kind=layer.kind,
                depth=layer.depth,
                kernels=len(layer.kept),
                kept=int(layer.kept.sum()),
                relevance=float(layer.relevance.sum()),
                relevances=tuple(significant(value, GRAPH_DIGITS) for value in layer.relevance),
            )
            for layer in shown
        ),
        nodes=tuple(_node(node, order.get((node.layer, node.index), 0)) for node in pyramid.nodes if node.depth > 0),
        negative=tuple(_node(node, 0) for node in pyramid.negative),
        edges=edges,
        edge_total=pyramid.edge_total - (len(pyramid.sources) - len(edges)),
        conservation=None if conservation is None else ConservationFigures(**asdict(conservation)),
        theta_curve=ThetaCurve(
            thetas=tuple(round(float(theta), 6) for theta in THETAS),
            kept={name: tuple(int(n) for n in counts) for name, counts in pyramid.theta_curve.items()},
        ),
        boundaries=pyramid.graph.boundaries,
        unknown_operations=dict(pyramid.graph.unknown_operations),
    )


def _node(node: PyramidNode, order: int) -> NodeFigures:
    return NodeFigures(
        layer=node.layer,
        index=node.index,
        depth=node.depth,
        relevance=significant(node.relevance, GRAPH_DIGITS),
        activation=significant(node.activation, GRAPH_DIGITS),
        kept=node.kept,
        order=order,
    )


def _edges(pyramid: ClassPyramid) -> tuple[EdgeFigures, ...]:
    """Return the edges, the strongest first.

    The class is one place: a kernel that reaches it through several units of the last layer (the channels of a map
    whose mean is explained, a class at each time) has one edge to it, their sum.
    """
    classes = {layer.name for layer in pyramid.layers if layer.depth == 0}
    sums: dict[tuple[tuple[str, int], tuple[str | None, int]], float] = defaultdict(float)
    for edge in pyramid.edges:
        target = (None, pyramid.class_index) if edge.target[0] in classes else edge.target
        sums[edge.source, target] += edge.contribution
    strongest = sorted(sums.items(), key=lambda pair: -abs(pair[1]))
    return tuple(
        EdgeFigures(
            source=KernelPlace(layer=source[0], index=source[1]),
            target=KernelPlace(layer=target[0], index=target[1]),
            contribution=significant(contribution, GRAPH_DIGITS),
        )
        for (source, target), contribution in strongest
    )


def published_dictionary(pyramid: ClassPyramid, *, most: int = 200_000) -> dict[int, Any]:
    """Return the nested dictionary of the published tool: {class: {kernel: {kernel before it: [...]}}}.

    At each level the keys are the kernels that feed the one above, the last level is a list. Kernels are named by
    index where the level has one layer, by `layer/index` where it has several (branches, skip paths). The dictionary
    is a tree: a kernel appears under each kernel that it feeds, so its size explodes with depth; equal branches are
    one object in memory. Raises OptionError when it would hold more than `most` entries.
    """
    feeding: dict[tuple[str, int], list[tuple[str, int]]] = defaultdict(list)
    for edge in pyramid.edges:
        feeding[edge.target].append(edge.source)
    built: dict[tuple[str, int], tuple[Any, int]] = {}

    def branch(kernel: tuple[str, int]) -> tuple[Any, int]:
        if kernel not in built:
            sources = sorted(feeding[kernel])
            single = len({layer for layer, _ in sources}) == 1
            names: list[int | str] = [index if single else f"{layer}/{index}" for layer, index in sources]
            if any(feeding[source] for source in sources):
                below = [branch(source) for source in sources]
                entries = len(sources) + sum(size for _, size in below)
                built[kernel] = (dict(zip(names, (tree for tree, _ in below), strict=True)), entries)
            else:
                built[kernel] = (names, len(sources))
        return built[kernel]

    trees = [branch((node.layer, node.index)) for node in pyramid.nodes if node.depth == 0]
    entries = sum(size for _, size in trees)
    if entries > most:
        raise OptionError(
            f"The published tool's dictionary would hold {entries} entries: raise the threshold or lower the depth."
        )
    tree = trees[0][0] if len(trees) == 1 else {place: own for place, (own, _) in enumerate(trees)}
    return {pyramid.class_index: tree}


def graphml(document: PyramidDocument) -> str:
    """Return the document's graph as GraphML, for Gephi, Cytoscape, yEd or networkx."""
    import networkx as nx

    graph = nx.DiGraph()
    root = KernelPlace(layer=None, index=document.class_.index)
    graph.add_node(_address(root), relevance=document.logit, depth=0)
    for node in document.nodes:
        graph.add_node(
            _address(KernelPlace(layer=node.layer, index=node.index)),
            layer=node.layer,
            index=node.index,
            depth=node.depth,
            relevance=node.relevance,
            activation=node.activation,
        )
    for edge in document.edges:
        graph.add_edge(_address(edge.source), _address(edge.target), contribution=edge.contribution)
    return "\n".join(nx.generate_graphml(graph, named_key_ids=True, prettyprint=False)) + "\n"


def _address(place: KernelPlace) -> str:
    return f"class/{place.index}" if place.layer is None else f"{place.layer}/{place.index}"


def node_table(document: PyramidDocument) -> TableFigure:
    """Return the kernels, negative evidence among them; what mixes kernels has no figures of its own."""
    mixing = {layer.name for layer in document.layers if layer.kind == "boundary"}
    rows = [
        (n.layer, n.index, n.depth, *(("", "") if n.layer in mixing else (n.relevance, n.activation)), n.kept)
        for n in (*document.nodes, *document.negative)
    ]
    return TableFigure(("layer", "index", "depth", "relevance", "activation", "kept"), rows, "Kernels")


def edge_table(document: PyramidDocument) -> TableFigure:
    """Return the edges; the class's layer is empty."""
    header = ("source_layer", "source_index", "target_layer", "target_index", "contribution")
    ends = [(e.source, e.target, e.contribution) for e in document.edges]
    rows = [(s.layer or "", s.index, t.layer or "", t.index, value) for s, t, value in ends]
    return TableFigure(header, rows, "Connections")
