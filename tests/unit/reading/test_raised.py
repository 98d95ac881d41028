"""What a kernel adds to a class is the mean of its relevance over the clips on which that class was explained."""

from __future__ import annotations

from typing import Any

import pytest

from reportgen.reading.graphs import as_graph
from reportgen.reading.raised import linked_kernels, raised_by, what_is_explained
from reportgen.reading.views import ClassView, Pyramid
from reportgen.records.jobs import Done, Job, Record, Spent
from reportgen.records.pyramid_schema import PyramidDocument
from reportgen.records.targets import Target


def pyramid(label: str, clip: str, relevances: list[float], *, scoring: str = "attribution") -> Pyramid:
    node: dict[str, Any] = {"layer": "a", "depth": 1, "activation": 1.0}
    document = PyramidDocument.model_validate(
        {
            "network": "n",
            "class": {"index": 0, "label": label},
            "logit": 3.0,
            "scoring": scoring,
            "parameters": {},
            "layers": [
                {
                    "name": "a",
                    "kind": "convolution",
                    "depth": 1,
                    "kernels": len(relevances),
                    "kept": 1,
                    "relevance": sum(relevances),
                    "relevances": relevances,
                }
            ],
            "nodes": [{**node, "index": 1, "relevance": relevances[1]}],
            "edges": [
                {
                    "source": {"layer": "a", "index": 1},
                    "target": {"layer": None, "index": 0},
                    "contribution": relevances[1],
                }
            ],
            "edge_total": 1,
            "theta_curve": {"thetas": [0.0], "kept": {"a": [1]}},
        }
    )
    job = Job(analysis="pyramid", version=1, unit=f"n/{clip}/class-0000", parameters={}, seed=0, inputs={})
    record = Record(job=job, outcome=Done(), spent=Spent(seconds=0.0, finished="2025-01-01T00:00:00Z"))
    return Pyramid(ClassView(clip, Target.of(0), record), "p.md", label, clip, as_graph(document))


def test_every_kernel_of_the_layer_is_told_with_its_sign_the_strongest_class_first() -> None:
    found = raised_by([pyramid("up", "one", [0.1, 2.0, 0.0]), pyramid("down", "one", [-0.5, 1.0, 0.0])])
    assert found["a"].strongest(0) == [(1, -0.5), (0, pytest.approx(0.1))]
    assert found["a"].strongest(1) == [(0, 2.0), (1, 1.0)]
    assert found["a"].strongest(2) == [], "nothing is said of what is not moved"
    assert found["a"].strongest(7) == []


def test_a_class_on_several_clips_counts_once_by_its_mean() -> None:
    pyramids = [pyramid("up", "one", [1.0, 2.0]), pyramid("up", "two", [0.0, 4.0]), pyramid("down", "one", [0.0, 8.0])]
    assert what_is_explained(pyramids) == ["up", "down"]
    assert raised_by(pyramids)["a"].strongest(1) == [(1, 8.0), (0, 3.0)]
    assert raised_by(pyramids)["a"].strongest(0) == [(0, 0.5)]


def test_of_a_document_that_holds_only_its_graph_the_kernels_in_it_are_told() -> None:
    whole = pyramid("up", "one", [0.5, 2.0, 0.1])
    (layer,) = whole.graph.document.layers
    document = whole.graph.document.model_copy(update={"layers": (layer.model_copy(update={"relevances": ()}),)})
    found = raised_by([Pyramid(whole.view, whole.uri, whole.label, whole.clip_title, as_graph(document))])["a"]
    assert found.strongest(1) == [(0, 2.0)]
    assert found.strongest(0) == []


def test_published_scores_are_no_parts_of_a_logit() -> None:
    assert raised_by([pyramid("up", "one", [0.1, 1.0], scoring="published")]) == {}


def test_connections_are_those_of_the_pyramid_in_which_a_kernel_matters_most() -> None:
    linked = linked_kernels([pyramid("up", "one", [0.1, 1.0]), pyramid("down", "one", [0.1, -3.0])])
    assert linked["a", 1].pyramid == 1
    assert [value for _, value in linked["a", 1].feeds] == [-3.0]
    assert linked["a", 1].fed_by == ()
    assert ("a", 0) not in linked
