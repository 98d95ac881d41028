"""What the graph of a class pyramid is drawn from, and the rows of the table behind it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from reportgen.pages.cards import kernel_card
from reportgen.pages.report import ModelView
from reportgen.pages.spread import short, short_or_none
from reportgen.pages.strips import Strip, strip, strip_data
from reportgen.reading.addresses import relative_link
from reportgen.reading.format import short_kernel_name, short_layer_name
from reportgen.reading.graphs import Node
from reportgen.reading.views import Pyramid


@dataclass(frozen=True)
class NodeRow:
    """One kernel in the table behind the graph."""

    node: Node
    name: str
    uri: str
    share: float


def graph_data(model: ModelView, pyramid: Pyramid) -> dict[str, Any]:
    """Return the graph as scripts read it: parallel lists, rounded to what a picture can show."""
    graph, mixes = pyramid.graph, mixing(pyramid)
    layer_of = {layer: place for place, (layer, _) in enumerate(graph.layers)}
    known = {(view.id.layer, view.id.index): view for view in model.all_kernels}
    shown: dict[int, dict[str, Any]] = {}
    reliance = [_reliance(model, node) for node in graph.nodes]
    for place, node in enumerate(graph.nodes):
        view = known.get((node.layer, node.index))
        if view:
            card, motion = kernel_card(model, view), model.motions.get(node.layer)
            shown[place] = {
                "href": str(relative_link(pyramid.uri, card.uri)),
                "first": card.first,
                "second": card.second,
                "sentence": card.sentence,
                "clip": strip_data(pyramid.uri, card.stage1),
                "texture": strip_data(pyramid.uri, card.texture),
                "motion": strip_data(pyramid.uri, motion.strips.get(node.index) if motion else None),
                "best": strip_data(pyramid.uri, best_real_clip(model, node)),
            }
        elif node.depth and (uri := model.kernel_uri(node.layer, node.index)):
            shown[place] = {
                "href": str(relative_link(pyramid.uri, uri)),
                "first": "",
                "second": "",
                "sentence": "Not among the kernels that this run visualised.",
                "best": strip_data(pyramid.uri, best_real_clip(model, node)),
            }
    return {
        "title": f"{pyramid.label} on {pyramid.clip_title}",
        "logit": short(graph.logit),
        "one": model.words.one,
        "value": model.words.value,
        "layers": [
            {
                "name": layer,
                "short": short_layer_name(layer) if depth else pyramid.label,
                "depth": depth,
                "mixes": layer in mixes,
            }
            for layer, depth in graph.layers
        ],
        "layer": [layer_of[node.layer] for node in graph.nodes],
        "index": [node.index for node in graph.nodes],
        "relevance": [short(node.relevance) for node in graph.nodes],
        "activation": [short_or_none(node.activation) for node in graph.nodes],
        "motion": reliance if any(value is not None for value in reliance) else None,
        "order": [node.order for node in graph.nodes],
        "source": [edge.source for edge in graph.edges],
        "target": [edge.target for edge in graph.edges],
        "contribution": [short(edge.contribution) for edge in graph.edges],
        "cards": shown,
    }


def mixing(pyramid: Pyramid) -> frozenset[str]:
    """Return the nodes that are no kernels: where kernels mix, and no one's figures are told."""
    return frozenset(layer.name for layer in pyramid.graph.document.layers if layer.kind == "boundary")


def _reliance(model: ModelView, node: Node) -> float | None:
    """Return a kernel's motion reliance; None for the class and where it was not measured."""
    found = model.motion_reliance(node.layer, node.index) if node.depth else None
    return short_or_none(found)


def best_real_clip(model: ModelView, node: Node) -> Strip | None:
    """Return the clip of the run that drives a kernel most; None where that was not measured."""
    driven = model.evidence.best(node.layer, node.index)
    facts = model.clips.get(driven.clip) if driven else None
    return strip(model.addresses, facts.clip, facts.poster, facts.title) if facts else None


def node_rows(model: ModelView, found: Sequence[Node]) -> list[NodeRow]:
    """Return kernels of a pyramid for a table: by layer, the most relevant first."""
    nodes = [node for node in found if node.depth]
    mass: dict[str, float] = {}
    for node in nodes:
        mass[node.layer] = mass.get(node.layer, 0.0) + abs(node.relevance)
    nodes.sort(key=lambda node: (node.depth, -abs(node.relevance)))
    return [
        NodeRow(
            node,
            short_kernel_name(node.layer, node.index),
            model.kernel_uri(node.layer, node.index),
            abs(node.relevance) / mass[node.layer] if mass[node.layer] else 0.0,
        )
        for node in nodes
    ]
