"""The published scoring of Class Feature Pyramids, with its faults mended, for comparison with the paper.

Stergiou et al. 2019 (arXiv 1909.08611): the class weights, min-max normalised, keep the kernels over theta; for each
kept kernel the mean of its taps for each input channel times that channel's mean activation is normalised, and the
inputs over theta are kept. Mended: the scores of a kernel are divided by the sum of their magnitudes (a signed sum
turns the order round whenever it is negative), groups and branches follow the connection graph, `top` works, and each
kernel is visited once however many kernels it feeds. What stays is the idea's own limit: a kernel whose taps sum to
zero, such as one that responds to motion only, scores zero.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from reportgen.analyses.pyramid_measure import LayerMeasure, Measurement, as_kernels, measure
from reportgen.analyses.pyramid_select import Block, Selection, Walk, channel_edges, gathered, joined, theta_curve
from reportgen.errors import NetworkError
from reportgen.networks.connections import ConnectionGraph, KernelLayer
from reportgen.networks.connections.labels import Ids
from reportgen.networks.network import Network

DEFAULT_THETA = 0.6
Scores = NDArray[np.float32]
Scorer = Callable[[KernelLayer, NDArray[np.int64], bool], Scores]


def published_walk(
    network: Network,
    batch: Tensor,
    class_index: int,
    graph: ConnectionGraph,
    reached: NDArray[np.int64],
    starts: Ids,
    selection: Selection,
    max_edges: int | None,
) -> tuple[Walk, Measurement, Callable[[], Mapping[str, NDArray[np.int64]]]]:
    """Step back by the published scores; a forward pass is all that it needs. Theta is 0.6 unless given.

    Returns what was found, the measurement, and how to count the kernels kept at each theta.
    """
    inside = [layer.name for p, layer in enumerate(graph.layers) if reached[p] >= 0 and layer.kernels]
    measured = measure(network, batch, class_index, graph, backward=(), forward=inside, input_means=True)
    if selection.threshold is None and selection.top is None and not selection.by_layer:
        selection = replace(selection, threshold=DEFAULT_THETA)

    def scorer(layer: KernelLayer, rows: NDArray[np.int64], classes: bool) -> Scores:
        return normalised_scores(layer, measured.layers[layer.name], rows, classes=classes)

    found = step_back_by_scores(graph, reached, starts, measured, selection, scorer, max_edges)
    return found, measured, partial(_curve, graph, reached, starts, measured, scorer)


def normalised_scores(
    layer: KernelLayer, measured: LayerMeasure, rows: NDArray[np.int64], *, classes: bool = False
) -> Scores:
    """Return the scores in [0, 1] of the inputs of the kernels `rows`: (rows, channels of a group).

    `classes`: the kernels are class weights, which the paper scores without activations.
    """
    weight = measured.weights[0]
    means = as_kernels(layer, weight, torch.as_tensor(rows, device=weight.device)).mean(-1)
    if not classes:
        if measured.input_means is None:
            raise NetworkError(f"{layer.name} was not measured: the means of its inputs are missing.")
        grouped = measured.input_means.reshape(layer.groups, -1)
        groups = torch.as_tensor(rows // (layer.size // layer.groups), device=weight.device)
        means = means * grouped[groups]
    means = means / means.abs().sum(1, keepdim=True).clamp_min(torch.finfo(means.dtype).tiny)
    low, high = means.amin(1, keepdim=True), means.amax(1, keepdim=True)
    spread = torch.where(high > low, high - low, torch.ones_like(high))
    constant = (high == low) & (high > 0)  # one input, or all alike: nothing to rank, so all are the best
    scores: Scores = torch.where(constant, torch.ones_like(means), (means - low) / spread).float().cpu().numpy()
    return scores


def step_back_by_scores(
    graph: ConnectionGraph,
    reached: NDArray[np.int64],
    starts: Ids,
    measured: Measurement,
    selection: Selection,
    scorer: Scorer,
    max_edges: int | None = None,
) -> Walk:
    """Step back from the kernels `starts`, layer by layer, each kernel once."""
    _, activation, _ = gathered(graph, measured)
    score = np.zeros(graph.size)
    kept = np.zeros(graph.size, bool)
    kept[starts] = True
    score[starts] = 1.0
    reachable = np.zeros(graph.size, bool)
    for position, layer in enumerate(graph.layers):
        reachable[layer.offset : layer.offset + layer.size] = reached[position] >= 0 and layer.kind != "input"
    blocks: list[Block] = []
    for position in range(len(graph.layers) - 1, 0, -1):
        layer = graph.layers[position]
        rows = np.flatnonzero(kept[layer.offset : layer.offset + layer.size])
        if reached[position] < 0 or not len(rows):
            continue
        if layer.kind == "boundary":
            sources = layer.inputs[0][reachable[layer.inputs[0]]]
            found = [(sources, np.full(len(sources), layer.offset, np.int32), np.ones(len(sources), np.float32))]
        else:
            scores = scorer(layer, rows, reached[position] == 0)
            chosen = _chosen(scores, selection, layer, int(reached[position]))
            found = list(channel_edges(layer, rows, np.where(chosen, scores, 0), reachable, None))
        for sources, targets, values in found:
            used = values > 0
            blocks.append((sources[used], targets[used], values[used]))
            kept[sources[used]] = True
            np.maximum.at(score, sources[used], values[used])
    return Walk(score, activation, kept, np.zeros(graph.size, bool), *joined(blocks, max_edges))


def _chosen(scores: Scores, selection: Selection, layer: KernelLayer, depth: int) -> NDArray[np.bool_]:
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
        return step_back_by_scores(graph, reached, starts, measured, Selection(threshold=theta), cached).kept

    return theta_curve(graph, reached, kept_at)
