"""Which layers a pass is to measure for a class that it names itself."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from reportgen.analyses.pyramid.unfollowed import unfollowed
from reportgen.errors import NetworkError, NoAnswerError
from reportgen.networks.core.classes import clip_logits
from reportgen.networks.core.network import Network
from reportgen.networks.trace.build import connection_graph
from reportgen.networks.trace.graph import ConnectionGraph
from reportgen.networks.trace.labels import NONE, Ids


def clip_graph(network: Network, batch: Tensor) -> ConnectionGraph:
    """Return the connection graph of such clips.

    Raises NetworkError when the network cannot take them: what its answer says of that comes first.
    """
    try:
        return connection_graph(network, tuple(batch.shape), clip=batch)
    except NetworkError:
        if network.has_classes:
            clip_logits(network, batch)
        raise


@dataclass(frozen=True, eq=False)
class ClassReach:
    """The layers of a graph that classes lead back to.

    `starts` are the kernels of each class whose layers differ from the others': one for most networks. `depth` is how
    many layers a pyramid steps back, None for all.
    """

    graph: ConnectionGraph
    starts: tuple[Ids, ...]
    depth: int | None

    @classmethod
    def of(cls, graph: ConnectionGraph, depth: int | None, name: str) -> ClassReach:
        """Return what classes of a network of that name reach; raises NoAnswerError where none has an answer."""
        found, refused = [], None
        for index in _unlike(graph):
            try:
                found.append(class_kernels(graph, index, name))
            except NoAnswerError as error:
                refused = refused or error
        if refused is not None and not found:
            raise refused
        return cls(graph, tuple(found), depth)

    @cached_property
    def inside(self) -> tuple[str, ...]:
        """The layers of kernels within the pyramid of any class."""
        return self._named(self._inside)

    @cached_property
    def feeding(self) -> tuple[str, ...]:
        """The layers of kernels that feed what is within."""
        return self._named(source for position in self._inside for source in self.graph.feeding[position])

    @cached_property
    def cuts(self) -> tuple[str, ...]:
        """The layers that every path to a class passes, wherever they lie."""
        return tuple(dict.fromkeys(name for starts in self.starts for name in cut_layers(self.graph, starts)))

    @cached_property
    def _inside(self) -> set[int]:
        depths = [to_depth(self.graph.depths(starts), self.depth) for starts in self.starts]
        return {int(p) for each in depths for p in np.flatnonzero(each >= 0)}

    def _named(self, positions: Iterable[int]) -> tuple[str, ...]:
        layers = (self.graph.layers[p] for p in sorted(set(positions)))
        return tuple(layer.name for layer in layers if layer.kernels)


def to_depth(depths: NDArray[np.int64], depth: int | None) -> NDArray[np.int64]:
    """Return the depths up to `depth` (None: all of them), -1 for other layers."""
    return depths if depth is None else np.where(depths > depth, -1, depths)


def class_kernels(graph: ConnectionGraph, class_index: int, name: str) -> Ids:
    """Return the numbers of the kernels that a class score is made of.

    Raises NetworkError when there is no such class, NoAnswerError when its score is mixed behind a boundary such as
    attention.
    """
    if not 0 <= class_index < graph.output.shape[1]:
        raise NetworkError(f"{name} has the classes 0 to {graph.output.shape[1] - 1}, not {class_index}.")
    starts = graph.class_kernels(class_index)
    kinds = {graph.layers[int(position)].kind for position in graph.layer_of(starts)}
    if not kinds or not kinds <= {"convolution", "transposed", "linear"}:
        names = dict.fromkeys(graph.locate(int(n))[0] for n in starts)
        mixing = next((one for one in unfollowed(graph, names) if one.reached), None)
        behind = f"{mixing.through} in {mixing.module or name}" if mixing else "no kernel"
        raise NoAnswerError(
            f"What {name} answers comes from {behind}, through which a pyramid has no answer: which kernel feeds which "
            "is not known there (of probabilities and their logarithms, the logits are explained where a card names "
            "the classifier, and Network.from_module(module) finds it)."
        )
    return starts


def cut_layers(graph: ConnectionGraph, starts: Ids) -> list[str]:
    """Return the layers of kernels that every path from the clip to a class passes, the class's own first.

    `starts` are the kernels that the class is made of: where these are of several layers (two streams whose scores are
    added), a path ends in each of them, and passes none of the others by that.
    """
    depths, answers = graph.depths(starts), set(graph.layer_of(starts).tolist())
    relevant = [p for p in range(len(graph.layers)) if depths[p] >= 0]
    furthest = {
        p: len(graph.layers) if p in answers else max((t for t in relevant if p in graph.feeding[t]), default=p)
        for p in relevant
    }
    return [
        graph.layers[position].name
        for position in reversed(relevant)
        if graph.layers[position].kernels and not any(p < position < furthest[p] for p in relevant)
    ]


def _unlike(graph: ConnectionGraph) -> list[int]:
    """Return a class for each set of layers that classes' scores come from."""
    layers = np.where(graph.output == NONE, -1, graph.layer_of(graph.output))
    if not layers.size or (layers == layers[:, :1]).all():
        return [0]
    first: list[int] = np.unique(np.sort(layers, axis=0), axis=1, return_index=True)[1].tolist()
    return sorted(first)
