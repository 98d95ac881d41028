"""Which classes the kernels of a layer raise and lower, and what feeds them: all pyramids of a run, asked by kernel."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from reportgen.reading.graphs import Node
from reportgen.reading.views import Pyramid
from reportgen.records.pyramid_schema import LayerFigures

MOST_RAISED = 6
"""Classes that are told of a kernel, those it moves most."""


@dataclass(frozen=True)
class Raised:
    """What the kernels of one layer add to each explained class: `values` `K C`, the mean over its clips, in logits."""

    values: NDArray[np.float64]

    def strongest(self, index: int, most: int = MOST_RAISED) -> list[tuple[int, float]]:
        """Return the classes (by their places among all that were explained) that a kernel moves most."""
        row = self.values[index] if index < len(self.values) else np.empty(0)
        order = np.argsort(-np.abs(row), kind="stable")[:most]
        return [(int(place), float(row[place])) for place in order if row[place]]


def what_is_explained(pyramids: Sequence[Pyramid]) -> list[str]:
    """Return what the pyramids explain, each once, in their order."""
    return list(dict.fromkeys(pyramid.label for pyramid in pyramids if pyramid.graph.scoring == "attribution"))


def raised_by(pyramids: Sequence[Pyramid]) -> dict[str, Raised]:
    """Return what every kernel of every layer behind a class adds to it.

    Published scores are left out: they are no parts of a logit.
    """
    places = {label: place for place, label in enumerate(what_is_explained(pyramids))}
    sums: dict[str, NDArray[np.float64]] = {}
    counts: dict[str, NDArray[np.float64]] = {}
    for pyramid in pyramids:
        for layer in _layers(pyramid):
            relevances = _relevances(pyramid, layer)
            total = sums.setdefault(layer.name, np.zeros((len(relevances), len(places))))
            if len(total) != len(relevances):
                continue
            total[:, places[pyramid.label]] += relevances
            counts.setdefault(layer.name, np.zeros(len(places)))[places[pyramid.label]] += 1
    return {layer: Raised(total / np.maximum(counts[layer], 1)) for layer, total in sums.items()}


def _layers(pyramid: Pyramid) -> list[LayerFigures]:
    """Return the layers whose kernels have parts of the logit; at a boundary no one's are told."""
    apart = pyramid.graph.scoring != "attribution"
    return [] if apart else [layer for layer in pyramid.graph.document.layers if layer.kind != "boundary"]


def _relevances(pyramid: Pyramid, layer: LayerFigures) -> NDArray[np.float64]:
    """Return the relevance of each kernel of a layer; of a document without it, that of those in its graph alone."""
    if layer.relevances:
        return np.array(layer.relevances)
    named = [
        node for node in (*pyramid.graph.nodes, *pyramid.graph.negative) if node.depth and node.layer == layer.name
    ]
    found = np.zeros(max([layer.kernels, *(node.index + 1 for node in named)]))
    for node in named:
        found[node.index] = node.relevance
    return found


@dataclass(frozen=True)
class Linked:
    """What a kernel feeds and what feeds it in one pyramid, each with its contribution, the strongest first."""

    pyramid: int
    feeds: tuple[tuple[Node, float], ...]
    fed_by: tuple[tuple[Node, float], ...]


def linked_kernels(pyramids: Sequence[Pyramid]) -> dict[tuple[str, int], Linked]:
    """Return the connections of every kernel that a pyramid keeps, from the one in which it matters most."""
    chosen: dict[tuple[str, int], tuple[float, int, int]] = {}
    for number, pyramid in enumerate(pyramids):
        for key, place in pyramid.graph.places.items():
            relevance = abs(pyramid.graph.nodes[place].relevance)
            if key not in chosen or relevance > chosen[key][0]:
                chosen[key] = (relevance, number, place)
    found = {}
    for key, (_, number, place) in chosen.items():
        feeds, fed_by = pyramids[number].graph.neighbours(place)
        found[key] = Linked(number, feeds.shown, fed_by.shown)
    return found
