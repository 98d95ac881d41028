"""Does a score tell which filters matter? The least and the most important ones are removed, against random ones.

A removed filter's response is zero at all positions, behind its batch norm and activation, in all convolutions
together. Each layer gives up filters in proportion to its size, so that a score is asked how it orders the filters
within a layer: scores of different layers are of different scale. A clip is never judged by an order that was made
from it: the clips are two halves, and on each the order of the other half's scores is tried.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from reportgen.analyses.pyramid.ablation import Passes, Silenced
from reportgen.analyses.weight_gradients.gradients import FilterGradients, FilterScores, weight_gradients
from reportgen.analyses.weight_gradients.quick_removal import class_above_mean, quickly_without
from reportgen.networks.core.network import Network
from reportgen.networks.trace.graph import ConnectionGraph
from reportgen.progress import SILENT, Progress

SHARES = (0.01, 0.05, 0.1, 0.25, 0.5)
"""Shares of all filters that are removed."""

Measure = Literal["accuracy", "logit", "change"]
"""What is left of the network's answer: whether the clip's label is still recognised, the logit of the class above the
mean of all, or, for a value without classes, how little it has changed (the change, negative)."""

SCORES = ("norm", "first_order", "weight_norm")
"""Gradient's L2 norm as published, |<W, dy/dW>|, and the filter's own L2 norm, which no clip and no class enters."""


@dataclass(frozen=True, eq=False)
class AskedClip:
    """A clip, loaded as `1 C T H W` when it is asked for, and the class that it is asked about."""

    load: Callable[[], Tensor]
    class_index: int


@dataclass(eq=False)
class MeanScores:
    """The mean of each score over clips, by layer."""

    clips: int = 0
    sums: dict[str, dict[str, FilterScores]] = field(default_factory=lambda: {name: {} for name in SCORES})

    def add(self, layers: Mapping[str, FilterGradients]) -> None:
        """Take in one clip's gradients."""
        self.clips += 1
        for name, found in layers.items():
            own = dict(zip(SCORES, (found.norms, found.first_order, found.weight_norms), strict=True))
            for score, values in own.items():
                self.sums[score][name] = self.sums[score].get(name, 0.0) + values

    def of(self, score: str) -> dict[str, FilterScores]:
        """Return the means of a score, `K` by layer."""
        return {name: values / self.clips for name, values in self.sums[score].items()}


@dataclass(frozen=True, eq=False)
class Removal:
    """What is left of the answer for each of N clips, of `measure`, with `intact` (N) before any removal.

    `least` and `most` are (N, shares) by score, with the least and the most important filters removed, and `drawn` is
    (draws, N, shares) with random ones. `removed` counts the filters at each share, of `filters` in all.
    """

    measure: Measure
    intact: NDArray[np.float64]
    least: Mapping[str, NDArray[np.float64]]
    most: Mapping[str, NDArray[np.float64]]
    drawn: NDArray[np.float64]
    removed: tuple[int, ...]
    filters: int


def mean_scores(network: Network, clips: Iterable[AskedClip], graph: ConnectionGraph) -> MeanScores:
    """Return the mean scores of all convolutions over clips, each asked about its class."""
    found = MeanScores()
    for one in clips:
        found.add(weight_gradients(network, one.load(), one.class_index, graph=graph).layers)
    return found


def _halves(clips: Sequence[AskedClip]) -> list[tuple[list[AskedClip], list[AskedClip]]]:
    """Return (one half, the other half) both ways round, each class's clips divided evenly.

    A single clip is judged by its own scores.
    """
    if len(clips) < 2:
        return [(list(clips), list(clips))]
    by_class = sorted(clips, key=lambda one: one.class_index)
    first, second = by_class[::2], by_class[1::2]
    return [(first, second), (second, first)]


def remove_filters(
    network: Network,
    clips: Sequence[AskedClip],
    graph: ConnectionGraph,
    measure: Measure,
    *,
    most_clips: int | None = None,
    draws: int = 20,
    seed: int = 0,
    batch: int = 8,
    layers: Iterable[str] | None = None,
    reduced: bool = False,
    progress: Progress = SILENT,
) -> Removal:
    """Return what removing filters of all convolutions (or of `layers`) leaves, ordered by the scores of SCORES.

    Each half of the clips is judged by the scores of the other; filters are removed on `most_clips` clips at most. All
    clips are of one shape, that of the graph. With `reduced` they are removed in bfloat16 where that serves (see
    `quickly_without`).
    """
    asked = list(layers) if layers is not None else None
    parts = []
    halves = [
        (own if most_clips is None else _spread_evenly(own, max(1, (most_clips + 1 - place) // 2)), others)
        for place, (own, others) in enumerate(_halves(clips))
    ]
    removals = len(SHARES) * (2 * len(SCORES) + draws)
    with progress.task("removal of filters", removals * sum(len(tried) for tried, _ in halves)) as task:
        for tried, others in halves:
            scores = mean_scores(network, others, graph)
            parts.append(
                removal_by(
                    network, tried, scores, graph, measure, draws, seed, batch, asked, reduced, advance=task.advance
                )
            )
    return Removal(
        measure=measure,
        intact=np.concatenate([part.intact for part in parts]),
        least={name: np.concatenate([part.least[name] for part in parts]) for name in SCORES},
        most={name: np.concatenate([part.most[name] for part in parts]) for name in SCORES},
        drawn=np.concatenate([part.drawn for part in parts], axis=1),
        removed=parts[0].removed,
        filters=parts[0].filters,
    )


def _spread_evenly(clips: Sequence[AskedClip], most: int) -> list[AskedClip]:
    """Return at most so many of the clips, which are in the order of their classes, from all parts of them."""
    places = np.linspace(0, len(clips) - 1, min(most, len(clips))).round().astype(int)
    return [clips[place] for place in np.unique(places)]


def removal_by(
    network: Network,
    clips: Sequence[AskedClip],
    scores: MeanScores,
    graph: ConnectionGraph,
    measure: Measure,
    draws: int = 20,
    seed: int = 0,
    batch: int = 8,
    layers: Sequence[str] | None = None,
    reduced: bool = False,
    advance: Callable[[float], None] = lambda _passes: None,
) -> Removal:
    """Return what removal by these scores, which the clips had no part in, leaves of the answers to the clips."""
    wanted = list(scores.sums[SCORES[0]]) if layers is None else layers
    sizes = {name: graph.layer(name).size for name in wanted}
    total = sum(sizes.values())
    removed = tuple(max(1, round(share * total)) for share in SHARES)
    orders = {name: removal_order({layer: scores.of(name)[layer] for layer in wanted}) for name in SCORES}
    conditions: list[Silenced] = []
    for name in SCORES:
        conditions += [removed_filters(orders[name], count) for count in removed]
        conditions += [removed_filters(orders[name][::-1], count) for count in removed]
    generator = np.random.default_rng(seed)
    for _ in range(draws):
        order = removal_order({layer: generator.permutation(size).astype(float) for layer, size in sizes.items()})
        conditions += [removed_filters(order, count) for count in removed]
    intact, left = _left(network, clips, conditions, graph, wanted, measure, batch, reduced, advance)
    by_order = left.reshape(-1, len(removed), len(clips)).transpose(0, 2, 1)
    return Removal(
        measure=measure,
        intact=intact,
        least={name: by_order[2 * place] for place, name in enumerate(SCORES)},
        most={name: by_order[2 * place + 1] for place, name in enumerate(SCORES)},
        drawn=by_order[2 * len(SCORES) :],
        removed=removed,
        filters=total,
    )


def removal_order(scores: Mapping[str, FilterScores]) -> list[tuple[str, int]]:
    """Return all filters, the least important of each layer first, layers taken from in proportion to their size.

    A filter's place is its rank within its layer over the layer's size; equal scores stay in the order of the filters.
    """
    places = []
    for position, (layer, values) in enumerate(scores.items()):
        for rank, index in enumerate(np.argsort(values, kind="stable").tolist()):
            places.append(((rank + 0.5) / len(values), position, layer, index))
    return [(layer, index) for _, _, layer, index in sorted(places)]


def removed_filters(order: Sequence[tuple[str, int]], count: int) -> dict[str, NDArray[np.int64]]:
    """Return the first `count` filters of an order, by layer."""
    found: dict[str, list[int]] = {}
    for layer, index in order[:count]:
        found.setdefault(layer, []).append(index)
    return {layer: np.array(indices, np.int64) for layer, indices in found.items()}


def _left(
    network: Network,
    clips: Sequence[AskedClip],
    conditions: Sequence[Silenced],
    graph: ConnectionGraph,
    layers: Sequence[str],
    measure: Measure,
    batch: int,
    reduced: bool,
    advance: Callable[[float], None],
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return what is left of the clips' answers, `N`, and without the filters of each condition, `conditions N`."""
    intact, left = [], []
    for start in range(0, len(clips), batch):
        part = clips[start : start + batch]
        pixels = torch.cat([one.load() for one in part])
        passes = Passes(network, pixels, graph, layers)
        passes.resume(layers)
        # A share of clips that are recognised turns on which of two logits is larger, be it by ever so little.
        rounds = reduced and measure != "accuracy"
        classes = np.array([one.class_index for one in part])
        ask = quickly_without(network, pixels, passes, layers, conditions, classes, reduced=rounds)
        logits = [ask({})]
        for condition in conditions:
            logits.append(ask(condition))
            advance(len(part))
        found = np.stack([_measured(each, logits[0], classes, measure) for each in logits])
        intact.append(found[0])
        left.append(found[1:])
    return np.concatenate(intact), np.concatenate(left, axis=1)


def _measured(
    logits: NDArray[np.float64], intact: NDArray[np.float64], classes: NDArray[np.int64], measure: Measure
) -> NDArray[np.float64]:
    """Return the measure of each clip, `N`, from its logits `N K` and its class."""
    if measure == "accuracy":
        return np.asarray((logits.argmax(1) == classes).astype(float))
    if measure == "logit":
        return class_above_mean(logits, classes)
    rows = np.arange(len(classes))
    return np.asarray(-np.abs(logits[rows, classes] - intact[rows, classes]))
