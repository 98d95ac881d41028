"""The published scoring of Class Feature Pyramids, with its faults mended, for comparison with the paper.

Stergiou et al. 2019 (arXiv 1909.08611): the class weights, min-max normalised, keep the kernels over theta; for each
kept kernel the mean of its taps for each input channel times that channel's mean activation is normalised, and the
inputs over theta are kept. Mended: the scores of a kernel are divided by the sum of their magnitudes (a signed sum
turns the order round whenever it is negative), groups and branches follow the connection graph, `top` works, and each
kernel is visited once however many kernels it feeds. What stays is the idea's own limit: a kernel whose taps sum to
zero, such as one that responds to motion only, scores zero.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from functools import partial

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from reportgen.analyses.pyramid.asked import ClassReach
from reportgen.analyses.pyramid.measure import LayerMeasure, Measurement, measure_relevance
from reportgen.analyses.pyramid.products import as_kernels
from reportgen.analyses.pyramid.select import (
    Block,
    KeepRule,
    Walk,
    gathered,
    reads_each_once,
    strongest_edges,
    theta_curve,
    visiting_order,
)
from reportgen.errors import NetworkError
from reportgen.networks.core.classes import ClassLike
from reportgen.networks.core.network import Network
from reportgen.networks.trace.graph import ConnectionGraph, KernelLayer
from reportgen.networks.trace.labels import NONE, Ids

DEFAULT_THETA = 0.6
Scores = NDArray[np.float32]
Scorer = Callable[[KernelLayer, NDArray[np.int64], bool], Scores]


def measure_published(network: Network, batch: Tensor, class_index: ClassLike | None, reach: ClassReach) -> Measurement:
    """Run the forward pass, which is all that the published scores need, for a class (None: the one that it says)."""
    return measure_relevance(network, batch, class_index, reach.graph, forward=reach.inside, input_means=True)


def published_walk(
    graph: ConnectionGraph,
    reached: NDArray[np.int64],
    starts: Ids,
    measured: Measurement,
    selection: KeepRule,
    max_edges: int | None,
) -> tuple[Walk, Callable[[], Mapping[str, NDArray[np.int64]]]]:
    """Step back by the published scores. Theta is 0.6 unless given.

    Returns what was found, and how to count the kernels kept at each theta.
    """
    if selection.threshold is None and selection.top is None and not selection.by_layer:
        selection = replace(selection, threshold=DEFAULT_THETA)

    def scorer(layer: KernelLayer, rows: NDArray[np.int64], classes: bool) -> Scores:
        return normalised_scores(layer, measured.layers[layer.name], rows, classes=classes)

    found = step_back_by_scores(graph, reached, starts, measured, selection, scorer, max_edges)
    return found, partial(_curve, graph, reached, starts, measured, scorer)


def normalised_scores(
    layer: KernelLayer, measured: LayerMeasure, rows: NDArray[np.int64], *, classes: bool = False
) -> Scores:
    """Return the scores in [0, 1] of the inputs of the kernels `rows`: (rows, channels of a group).

    `classes`: the kernels are class weights, which the paper scores without activations.
    """
    weight = measured.weights[0]
    few = 2 * len(rows) < layer.size  # else reading all is cheaper than picking
    means = tap_means(as_kernels(layer, weight, rows)) if few else tap_means(as_kernels(layer, weight))[rows]
    if not classes:
        if measured.input_means is None:
            raise NetworkError(f"{layer.name} was not measured: the means of its inputs are missing.")
        grouped = measured.input_means.float().cpu().numpy().reshape(layer.groups, -1)
        means = means * (grouped if layer.groups == 1 else grouped[rows // (layer.size // layer.groups)])
    means = means / np.maximum(np.abs(means).sum(axis=1, keepdims=True), np.finfo(np.float32).tiny)
    low, high = means.min(axis=1, keepdims=True), means.max(axis=1, keepdims=True)
    constant = (high == low) & (high > 0)  # one input, or all alike: nothing to rank, so all are the best
    scores: Scores = np.where(constant, 1.0, (means - low) / np.where(high > low, high - low, 1.0)).astype(np.float32)
    return scores


def tap_means(kernels: Tensor) -> Scores:
    """Return the mean over the taps of (rows, channels, taps)."""
    if kernels.device.type == "cpu":  # numpy adds up short rows several times faster
        return np.asarray(np.einsum("ijt->ij", kernels.float().numpy()) / np.float32(kernels.shape[-1]), np.float32)
    means: Scores = kernels.float().mean(-1).cpu().numpy()
    return means


def step_back_by_scores(
    graph: ConnectionGraph,
    reached: NDArray[np.int64],
    starts: Ids,
    measured: Measurement,
    selection: KeepRule,
    scorer: Scorer,
    max_edges: int | None = None,
) -> Walk:
    """Step back from the kernels `starts`, layer by layer, each kernel once."""
    _, activation, _ = gathered(graph, measured)
    score = np.zeros(graph.size)
    kept = np.zeros(graph.size, bool)
    kept[starts] = True
    score[starts] = 1.0
    order = [position for position in visiting_order(graph, reached) if graph.layers[position].kind != "input"]
    reachable = np.zeros(graph.size, bool)
    for position in order:
        layer = graph.layers[position]
        reachable[layer.offset : layer.offset + layer.size] = True
    blocks: list[Block] = []
    for position in order:
        if not any(reachable[graph.layers[source].offset] for source in graph.feeding[position]):
            continue  # nothing that it reads is in the pyramid
        layer = graph.layers[position]
        rows = np.flatnonzero(kept[layer.offset : layer.offset + layer.size])
        if not len(rows):
            continue
        if layer.kind == "boundary":
            sources = layer.inputs[0][reachable[layer.inputs[0]]]
            found = [(sources, np.full(len(sources), layer.offset, np.int32), np.ones(len(sources), np.float32))]
        else:
            scores = scorer(layer, rows, reached[position] == 0)
            chosen = _chosen(scores, selection, layer, int(reached[position]))
            found = list(_chosen_edges(layer, rows, scores, chosen, reachable))
        for sources, targets, values in found:
            blocks.append((sources, targets, values))
            kept[sources] = True
            np.maximum.at(score, sources, values)
    return Walk(score, activation, kept, np.zeros(graph.size, bool), *strongest_edges(blocks, max_edges))


def _chosen_edges(
    layer: KernelLayer, rows: NDArray[np.int64], scores: Scores, chosen: NDArray[np.bool_], reachable: NDArray[np.bool_]
) -> Iterator[Block]:
    """Yield the edges of the chosen inputs; a channel of several kernels gives each the same score."""
    row, column = np.nonzero(chosen)
    per_group = layer.channels // layer.groups
    channel = column + rows[row] // (layer.size // layer.groups) * per_group
    targets = (rows[row] + layer.offset).astype(np.int32)
    values = scores[row, column]
    for sources in layer.inputs[:, channel]:
        used = (sources != NONE) & reachable[sources]
        block = sources[used], targets[used], values[used]
        yield block if reads_each_once(layer) else strongest_of_pair(*block)


def strongest_of_pair(sources: Ids, targets: Ids, values: Scores) -> Block:
    """Return each pair (source, target) once, with the largest of its values."""
    pairs = targets.astype(np.int64) << 32 | sources
    order = np.lexsort((-values, pairs))
    ordered = pairs[order]
    first = order[np.concatenate([[True], ordered[1:] != ordered[:-1]])] if len(order) else order
    return sources[first], targets[first], values[first]


def _chosen(scores: Scores, selection: KeepRule, layer: KernelLayer, depth: int) -> NDArray[np.bool_]:
    """Return which inputs each kernel keeps: those over theta, the best `top`, or both."""
    chosen = scores > 0
    if selection.threshold is not None:
        chosen &= scores >= selection.threshold
    limit = selection.limit(layer.name, depth + 1)
    if limit is not None and limit < scores.shape[1]:
        least = -np.partition(-scores, limit - 1, axis=1)[:, limit - 1 : limit]
        chosen &= scores >= least
    return chosen


def _curve(
    graph: ConnectionGraph, reached: NDArray[np.int64], starts: Ids, measured: Measurement, scorer: Scorer
) -> dict[str, NDArray[np.int64]]:
    every: dict[str, Scores] = {}

    def cached(layer: KernelLayer, rows: NDArray[np.int64], classes: bool) -> Scores:
        if classes:
            return scorer(layer, rows, classes)
        if layer.name not in every:
            every[layer.name] = scorer(layer, np.arange(layer.size), classes)
        return every[layer.name][rows]

    def kept_at(theta: float) -> NDArray[np.bool_]:
        return step_back_by_scores(graph, reached, starts, measured, KeepRule(threshold=theta), cached).kept

    return theta_curve(graph, reached, kept_at)
