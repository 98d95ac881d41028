"""A pyramid's document becomes numbered nodes with the class first."""

from __future__ import annotations

import pytest

from reportgen.reading.graphs import as_graph
from reportgen.records.pyramid_schema import PyramidDocument


@pytest.fixture
def document() -> PyramidDocument:
    node = {"relevance": 1.0, "activation": 2.0}
    return PyramidDocument.model_validate(
        {
            "network": "n",
            "class": {"index": 4, "label": "running"},
            "logit": 3.0,
            "scoring": "attribution",
            "parameters": {},
            "layers": [
                {"name": "b", "kind": "convolution", "depth": 1, "kernels": 4, "kept": 2, "relevance": 3.0},
                {"name": "a", "kind": "convolution", "depth": 2, "kernels": 4, "kept": 1, "relevance": 3.0},
                {"name": "empty", "kind": "convolution", "depth": 3, "kernels": 4, "kept": 0, "relevance": 0.0},
            ],
            "nodes": [
                {"layer": "b", "index": 0, "depth": 1, **node, "order": 1},
                {"layer": "b", "index": 3, "depth": 1, **node},
                {"layer": "a", "index": 1, "depth": 2, **node},
            ],
            "edges": [
                {"source": {"layer": "b", "index": 0}, "target": {"layer": None, "index": 4}, "contribution": 2.0},
                {"source": {"layer": "b", "index": 3}, "target": {"layer": None, "index": 4}, "contribution": 1.0},
                {"source": {"layer": "a", "index": 1}, "target": {"layer": "b", "index": 0}, "contribution": -0.5},
                {"source": {"layer": "a", "index": 1}, "target": {"layer": "b", "index": 3}, "contribution": 0.25},
            ],
            "edge_total": 9,
            "theta_curve": {"thetas": [0.0, 1.0], "kept": {"b": [4, 1], "a": [4, 1]}},
        }
    )


def test_the_class_is_node_zero_and_its_column_comes_first(document: PyramidDocument) -> None:
    graph = as_graph(document)
    assert (graph.nodes[0].depth, graph.nodes[0].index, graph.nodes[0].relevance) == (0, 4, 3.0)
    assert graph.layers == (("", 0), ("b", 1), ("a", 2))


def test_edges_join_nodes_by_number(document: PyramidDocument) -> None:
    graph = as_graph(document)
    assert [(e.source, e.target, e.contribution) for e in graph.edges] == [
        (1, 0, 2.0), (2, 0, 1.0), (3, 1, -0.5), (3, 2, 0.25)
    ]  # fmt: skip


def test_neighbours_are_the_strongest_whatever_their_sign(document: PyramidDocument) -> None:
    graph = as_graph(document)
    feeds, fed_by = graph.neighbours(graph.places["a", 1], most=1)
    assert [(node.layer, node.index, value) for node, value in feeds] == [("b", 0, -0.5)]
    assert len(fed_by) == 0
    assert feeds.left_out == 1
    assert [value for _, value in graph.neighbours(0)[1]] == [2.0, 1.0]


def test_the_drawn_order_is_the_documents(document: PyramidDocument) -> None:
    assert [node.order for node in as_graph(document).nodes] == [0, 1, 0, 0]
