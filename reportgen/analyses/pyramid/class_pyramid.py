"""Class Feature Pyramids: which kernels, through which kernels, make the network say a class about a clip.

After Stergiou et al. 2019, arXiv 1909.08611, over the connection graph that is derived from the network. Two
scorings: `attribution` (one forward and one backward pass of the logit y_c; the default) and `published` (the
paper's, with its division by a signed sum mended; see `reportgen.analyses.pyramid.published`).

Attribution: the edge from input channel j to kernel i contributes C(j -> i) = <K_ij, dy_c/dK_ij>, the kernel itself
R_i = sum over positions of dy_c/da_i * a_i, with a_i behind its batch norm and activation. Where several kernels meet
in one channel (addition, gate), C is divided among them in proportion to the mean magnitude of their responses.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property, partial
from importlib import import_module
from typing import Any, Literal, get_args

import numpy as np
from numpy.typing import NDArray
from torch import Tensor, nn

from reportgen.analyses.common.representation import in_one_line
from reportgen.analyses.common.whole_numbers import require_whole
from reportgen.analyses.pyramid.asked import ClassReach, class_kernels, clip_graph, to_depth
from reportgen.analyses.pyramid.measure import Measurement, measure_relevance
from reportgen.analyses.pyramid.parameters import Scoring
from reportgen.analyses.pyramid.published import measure_published, published_walk
from reportgen.analyses.pyramid.select import Floats, KeepRule, Walk, step_back, theta_curve, walk
from reportgen.analyses.pyramid.shifts import (
    Conservation,
    ShiftObserver,
    relevance_conservation,
)
from reportgen.errors import OptionError
from reportgen.networks.core.classes import ClassLike
from reportgen.networks.core.given_clips import Clips, given_clip
from reportgen.networks.core.network import Network, borrow
from reportgen.networks.core.unchanged import leaving_unchanged
from reportgen.networks.trace.cuts import cut_sentences
from reportgen.networks.trace.graph import ConnectionGraph
from reportgen.networks.trace.labels import Ids
from reportgen.records.pyramid_schema import PyramidDocument
from reportgen.result import ShownResult


@dataclass(frozen=True)
class PyramidNode:
    """One kernel of a pyramid; `kept` is False for negative evidence."""

    layer: str
    index: int
    depth: int
    relevance: float
    activation: float
    kept: bool


@dataclass(frozen=True)
class PyramidEdge:
    """What the kernel `source` (layer, index) contributes to the kernel `target`."""

    source: tuple[str, int]
    target: tuple[str, int]
    contribution: float


@dataclass(frozen=True, eq=False)
class PyramidLayer(ShownResult):
    """All K kernels of one layer of the pyramid: relevance and activation K, and which are kept or negative."""

    name: str
    kind: str
    depth: int
    offset: int
    relevance: Floats
    activation: Floats
    kept: NDArray[np.bool_]
    negative: NDArray[np.bool_]

    def __repr__(self) -> str:
        return in_one_line(
            self, f"{self.kind} {self.name}", f"depth {self.depth}", f"{int(self.kept.sum())} of {len(self.kept)} kept"
        )


@dataclass(frozen=True, eq=False)
class ClassPyramid(ShownResult):
    """The kernels that make a class, and how they feed each other.

    Layers are in the order of depth, the class's own at depth 0. `sources`, `targets` (numbers in the graph) and
    `contributions` are the edges between kept kernels, the strongest `max_edges` of `edge_total`; `logits` are those
    of all classes, each true or not by itself where they are `apart`. `notes` say where evidence stops for other
    reasons than that there is none.
    """

    graph: ConnectionGraph
    class_index: int
    logit: float
    scoring: Scoring
    parameters: Mapping[str, Any]
    layers: tuple[PyramidLayer, ...]
    sources: Ids
    targets: Ids
    contributions: NDArray[np.float32]
    edge_total: int
    conservation: Conservation | None
    count_kept: Callable[[], Mapping[str, NDArray[np.int64]]] = field(repr=False, compare=False)
    logits: Floats = field(repr=False)
    apart: bool = False
    notes: tuple[str, ...] = ()

    def __repr__(self) -> str:
        kept = sum(int(layer.kept.sum()) for layer in self.layers if layer.depth > 0)
        return in_one_line(
            self,
            f"class {self.class_index}",
            f"logit {self.logit:.3g}",
            f"{self.scoring} scoring",
            f"{kept} kept kernels in {sum(layer.depth > 0 for layer in self.layers)} layers",
            f"{len(self.sources)} of {self.edge_total} edges",
            *self.notes,
        )

    @property
    def above_mean(self) -> float:
        """The logit above the mean of all classes'; as it is where there is one, or where each is told by itself."""
        return self.logit - float(self.logits.mean()) if self.logits.size > 1 and not self.apart else self.logit

    @cached_property
    def theta_curve(self) -> Mapping[str, NDArray[np.int64]]:
        """For each layer behind the class, how many kernels are kept at each of `THETAS`; computed when first read."""
        return self.count_kept()

    @cached_property
    def nodes(self) -> tuple[PyramidNode, ...]:
        """The kept kernels, the class's own first, then by depth and relevance."""
        return tuple(self._nodes("kept"))

    @cached_property
    def negative(self) -> tuple[PyramidNode, ...]:
        """The kernels that speak most against the class, by depth and relevance; not part of the graph."""
        return tuple(self._nodes("negative"))

    @cached_property
    def edges(self) -> tuple[PyramidEdge, ...]:
        """The edges as objects, strongest first."""
        locate = self.graph.locate
        order = np.argsort(-np.abs(self.contributions), kind="stable")
        columns = (column[order].tolist() for column in (self.sources, self.targets, self.contributions))
        rows = zip(*columns, strict=True)
        return tuple(PyramidEdge(locate(source), locate(target), value) for source, target, value in rows)

    def layer(self, name: str) -> PyramidLayer:
        """Return a layer of the pyramid; raises KeyError when it is not in it."""
        return {layer.name: layer for layer in self.layers}[name]

    def kept(self) -> dict[str, tuple[int, ...]]:
        """Return the kept kernels by layer, the class's own layer and boundaries left out."""
        return {
            layer.name: tuple(int(i) for i in np.flatnonzero(layer.kept))
            for layer in self.layers
            if layer.depth > 0 and layer.kind != "boundary" and layer.kept.any()
        }

    def document(self, network: str = "network") -> PyramidDocument:
        """Return the pyramid as its JSON document, of a network of that name; `compare_pyramids` takes it, too."""
        found: PyramidDocument = import_module("reportgen.analyses.pyramid.export").pyramid_document(
            self, network=network
        )
        return found

    def to_networkx(self) -> Any:
        """Return the kept kernels and their edges as a `networkx.DiGraph`.

        Nodes are (layer, index) with `depth`, `relevance`, `activation`; edges, from what feeds to what is fed, have
        their `contribution`. The graph's own attributes are `class_index`, `logit` and `scoring`.
        """
        import networkx as nx

        graph = nx.DiGraph(class_index=self.class_index, logit=self.logit, scoring=self.scoring)
        for node in self.nodes:
            told = {"depth": node.depth, "relevance": node.relevance, "activation": node.activation}
            graph.add_node((node.layer, node.index), **told)
        for edge in self.edges:
            graph.add_edge(edge.source, edge.target, contribution=edge.contribution)
        return graph

    def _nodes(self, which: Literal["kept", "negative"]) -> Iterator[PyramidNode]:
        for layer in self.layers:
            chosen = np.flatnonzero(getattr(layer, which))
            for index in chosen[np.argsort(-np.abs(layer.relevance[chosen]), kind="stable")].tolist():
                relevance, activation = float(layer.relevance[index]), float(layer.activation[index])
                yield PyramidNode(layer.name, index, layer.depth, relevance, activation, which == "kept")


@leaving_unchanged
def class_pyramid(
    network: Network | nn.Module,
    clip: Clips,
    class_index: ClassLike | None = None,
    *,
    depth: int | None = 3,
    scoring: Scoring = "attribution",
    threshold: float | None = None,
    top: int | None = None,
    mass: float = 0.8,
    per_layer: str | Mapping[str | int, int] | None = None,
    graph: ConnectionGraph | None = None,
    max_edges: int | None = 100_000,
) -> ClassPyramid:
    """Return the pyramid of a class on one clip.

    `clip` is `C T H W` or `1 C T H W` in [0, 1] RGB or any other form that `given_clips` knows (a bare module's input
    is taken as is, with its batch axis); `class_index` is a class's name or index, None the predicted one. `depth` is
    how many layers to step back from the class (None: the whole network). Per layer, of the kernels that feed a kept
    kernel, those are kept whose score is at least `threshold` (theta: score relative to the layer's best), or the best
    `top`, or else the fewest that hold `mass` of the positive relevance. `per_layer` sets the number of kernels of
    single layers: a mapping from layer name or depth, or the published tool's `top5_in2` (the best five at depth 2;
    `all` is none). `graph` saves deriving the connection graph again.

    Raises ClipError for another clip, UnknownNameError for a class that there is not, NetworkError when the class score
    is not made of single kernels (the network ends in a softmax), OptionError for parameters out of range.
    """
    require_whole(least=-(1 << 31), depth=depth, top=top, max_edges=max_edges)
    selection = KeepRule.of(threshold=threshold, top=top, mass=mass, per_layer=per_layer)
    if scoring not in get_args(Scoring):
        raise OptionError(f"There is no scoring {scoring!r}: take 'attribution' or 'published'.")
    if depth is not None and depth < 1:
        raise OptionError(f"depth must be at least 1, got {depth}.")
    borrowed = borrow(network)
    batch = one_clip(borrowed, clip)
    graph = graph or clip_graph(borrowed, batch)
    reach = ClassReach.of(graph, depth, borrowed.name)
    shifts: ShiftObserver | None = None
    if scoring == "published":
        measured = measure_published(borrowed, batch, class_index, reach)
    else:
        measured, shifts = measure_pyramid(borrowed, batch, class_index, reach)
    starts = class_kernels(graph, measured.class_index, borrowed.name)
    reached = to_depth(graph.depths(starts), depth)
    parameters = {"depth": depth, **selection.parameters()}
    if shifts is None:
        found, count_kept = published_walk(graph, reached, starts, measured, selection, max_edges)
        conservation = None
    else:
        found = walk(graph, reached, starts, measured, selection, max_edges)
        count_kept = partial(_counts, graph, reached, starts, found.relevance)
        conservation = relevance_conservation(graph, starts, measured, shifts)
    return ClassPyramid(
        graph=graph,
        class_index=measured.class_index,
        logit=measured.logit,
        scoring=scoring,
        parameters=parameters,
        layers=_layers(graph, reached, found),
        sources=found.sources,
        targets=found.targets,
        contributions=found.contributions,
        edge_total=found.edge_total,
        conservation=conservation,
        count_kept=count_kept,
        logits=measured.logits.double().cpu().numpy(),
        apart=borrowed.adapter.classes_apart,
        notes=cut_sentences(graph.cuts) if scoring == "attribution" else (),
    )


def one_clip(network: Network, clip: Clips) -> Tensor:
    """Return one clip as a batch of one where the network is; raises ClipError, as `given_clips` does and for more."""
    return given_clip(network, clip)


def measure_pyramid(
    network: Network, batch: Tensor, class_index: ClassLike | None, reach: ClassReach
) -> tuple[Measurement, ShiftObserver]:
    """Run the one forward and backward pass of a class (None: the one that the forward pass says)."""
    observer = ShiftObserver(reach.graph, network.module, [*reach.inside, *reach.cuts, *reach.feeding])
    measured = measure_relevance(
        network,
        batch,
        class_index,
        reach.graph,
        backward=reach.inside,
        relevance=reach.cuts,
        forward=reach.feeding,
        observer=observer,
    )
    return measured, observer


def _counts(
    graph: ConnectionGraph, reached: NDArray[np.int64], starts: Ids, relevance: Floats
) -> Mapping[str, NDArray[np.int64]]:
    return theta_curve(
        graph, reached, lambda theta: step_back(graph, reached, starts, relevance, KeepRule(threshold=theta))[0]
    )


def _layers(graph: ConnectionGraph, reached: NDArray[np.int64], found: Walk) -> tuple[PyramidLayer, ...]:
    layers = []
    for position in sorted((p for p in range(len(graph.layers)) if reached[p] >= 0), key=lambda p: (reached[p], -p)):
        layer = graph.layers[position]
        if layer.kind == "input":
            continue
        own = slice(layer.offset, layer.offset + layer.size)
        layers.append(
            PyramidLayer(
                name=layer.name,
                kind=layer.kind,
                depth=int(reached[position]),
                offset=layer.offset,
                relevance=found.relevance[own],
                activation=found.activation[own],
                kept=found.kept[own],
                negative=found.negative[own],
            )
        )
    return tuple(layers)
