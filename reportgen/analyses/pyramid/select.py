"""Stepping back from a class: which kernels of each layer are kept, and which edges join them.

Each kernel is visited once. A layer's kernels are decided when all layers that they feed are: candidates are those
that feed a kept kernel, and of these the selection keeps the best.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Self

import numpy as np
import torch
from numpy.typing import NDArray

from reportgen.analyses.pyramid.measure import Measurement
from reportgen.analyses.pyramid.products import kernel_products
from reportgen.errors import OptionError
from reportgen.networks.trace.graph import ConnectionGraph, KernelLayer
from reportgen.networks.trace.labels import NONE, Ids

THETAS = np.linspace(0.0, 1.0, 21)
"""Where the curve of kept kernels against theta is read."""

Floats = NDArray[np.float64]
KernelMask = NDArray[np.bool_]


@dataclass(frozen=True)
class KeepRule:
    """How many kernels of a layer are kept: by theta, by number, or by share of the positive relevance."""

    threshold: float | None = None
    top: int | None = None
    mass: float = 0.8
    by_layer: Mapping[str | int, int] = field(default_factory=dict)

    @classmethod
    def of(
        cls,
        *,
        threshold: float | None = None,
        top: int | None = None,
        mass: float = 0.8,
        per_layer: str | Mapping[str | int, int] | None = None,
    ) -> Self:
        """Check the parameters; raises OptionError for one that is out of range."""
        if threshold is not None and not 0.0 <= threshold <= 1.0:
            raise OptionError(f"threshold (theta) must lie in 0 to 1, got {threshold}.")
        if top is not None and top < 1:
            raise OptionError(f"top must be at least 1, got {top}.")
        if not 0.0 < mass <= 1.0:
            raise OptionError(f"mass must lie above 0 and up to 1, got {mass}.")
        return cls(threshold, top, mass, _by_layer(per_layer))

    def parameters(self) -> dict[str, Any]:
        """Return the parameters as they are recorded."""
        limits = {str(key): value for key, value in self.by_layer.items()}
        return {"threshold": self.threshold, "top": self.top, "mass": self.mass, "per_layer": limits}

    def limit(self, layer: str, depth: int) -> int | None:
        """Return how many kernels of a layer may be kept, if that is set for it."""
        return self.by_layer.get(layer, self.by_layer.get(depth, self.top))

    def choose(self, scores: Floats, candidates: KernelMask, layer: str, depth: int) -> KernelMask:
        """Return which kernels are kept: candidates with a positive score, the best by what was asked for."""
        kept = np.zeros(len(scores), bool)
        eligible = np.flatnonzero(candidates & (scores > 0))
        if not len(eligible):
            return kept
        order = eligible[np.argsort(-scores[eligible], kind="stable")]
        ordered = scores[order]
        limit = self.limit(layer, depth)
        if self.threshold is not None:
            order = order[ordered >= self.threshold * ordered[0]]
        elif limit is None:
            held = np.cumsum(ordered)
            order = order[: int(np.searchsorted(held, self.mass * held[-1] * (1 - 1e-12))) + 1]
        kept[order[:limit]] = True
        return kept


def _by_layer(per_layer: str | Mapping[str | int, int] | None) -> dict[str | int, int]:
    if per_layer is None or per_layer == "all":
        return {}
    if isinstance(per_layer, str):
        asked = re.fullmatch(r"top(\d+)_in(\d+)", per_layer)
        if not asked:
            raise OptionError(f"per_layer {per_layer!r} is not understood: take 'all' or the like of 'top5_in2'.")
        return {int(asked.group(2)): int(asked.group(1))}
    if any(count < 1 for count in per_layer.values()):
        raise OptionError("per_layer must keep at least 1 kernel of each layer that it names.")
    return dict(per_layer)


@dataclass(frozen=True, eq=False)
class Walk:
    """What stepping back found, over all kernel numbers of the graph: scores, activations, which are kept."""

    relevance: Floats
    activation: Floats
    kept: KernelMask
    negative: KernelMask
    sources: Ids
    targets: Ids
    contributions: NDArray[np.float32]
    edge_total: int


def theta_curve(
    graph: ConnectionGraph, reached: NDArray[np.int64], kept_at: Callable[[float], KernelMask]
) -> dict[str, NDArray[np.int64]]:
    """Return, for each layer behind the class, how many kernels are kept at each of `THETAS`."""
    layers = [layer for p, layer in enumerate(graph.layers) if reached[p] > 0 and layer.kernels]
    masks = [kept_at(float(theta)) for theta in THETAS]
    return {
        layer.name: np.array([int(mask[layer.offset : layer.offset + layer.size].sum()) for mask in masks], np.int64)
        for layer in layers
    }


def walk(
    graph: ConnectionGraph,
    reached: NDArray[np.int64],
    starts: Ids,
    measured: Measurement,
    selection: KeepRule,
    max_edges: int | None = None,
) -> Walk:
    """Step back from the kernels `starts` by relevance.

    `reached` is each layer's depth, -1 where the pyramid does not go. The contributions between kept kernels are read
    from the weight gradients of each layer, all at once.
    """
    relevance, activation, magnitude = gathered(graph, measured)
    kept, candidates = step_back(graph, reached, starts, relevance, selection)
    negative = np.zeros(graph.size, bool)
    order = visiting_order(graph, reached)
    for position in order:
        layer = graph.layers[position]
        own, depth = slice(layer.offset, layer.offset + layer.size), int(reached[position])
        if depth > 0 and layer.kernels:
            negative[own] = selection.choose(-relevance[own], candidates[own], layer.name, depth)
    found = strongest_edges(list(_edge_blocks(graph, order, reached, kept, magnitude, relevance, measured)), max_edges)
    return Walk(relevance, activation, kept, negative, *found)


def step_back(
    graph: ConnectionGraph, reached: NDArray[np.int64], starts: Ids, relevance: Floats, selection: KeepRule
) -> tuple[KernelMask, KernelMask]:
    """Return over all kernel numbers which are kept, and which feed a kept one."""
    kept, candidates = np.zeros(graph.size, bool), np.zeros(graph.size, bool)
    for position in visiting_order(graph, reached):
        layer = graph.layers[position]
        own, depth = slice(layer.offset, layer.offset + layer.size), int(reached[position])
        if depth == 0:
            kept[starts[graph.layer_of(starts) == position]] = True
        elif layer.kernels:
            kept[own] = selection.choose(relevance[own], candidates[own], layer.name, depth)
        else:
            kept[own] = candidates[own]
        mark_sources(layer, kept[own], candidates)
    return kept, candidates


def visiting_order(graph: ConnectionGraph, reached: NDArray[np.int64]) -> list[int]:
    """Return the layers of the pyramid so that each comes after all that it feeds; the input is left out."""
    return [position for position in range(len(graph.layers) - 1, 0, -1) if reached[position] >= 0]


def gathered(graph: ConnectionGraph, measured: Measurement) -> tuple[Floats, Floats, Floats]:
    """Return relevance, mean activation and mean magnitude over all kernel numbers; 1 is an unmeasured magnitude."""
    relevance, activation, magnitude = np.zeros(graph.size), np.zeros(graph.size), np.ones(graph.size)
    layers = [(graph.layer(name), found) for name, found in measured.layers.items()]
    for kind, into in (("relevance", relevance), ("activation", activation), ("magnitude", magnitude)):
        known = [(layer, values) for layer, found in layers if (values := getattr(found, kind)) is not None]
        if not known:
            continue
        # All layers in one copy: a GPU waits for each.
        values = torch.cat([values.flatten() for _, values in known]).double().cpu().numpy()
        ends = np.cumsum([layer.size for layer, _ in known])
        for (layer, _), end in zip(known, ends.tolist(), strict=True):
            into[layer.offset : layer.offset + layer.size] = values[end - layer.size : end]
    return relevance, activation, magnitude


def mark_sources(layer: KernelLayer, kept: KernelMask, candidates: KernelMask) -> None:
    """Mark in `candidates` all kernels that feed a kept kernel of the layer."""
    if not layer.channels or not kept.any():
        return
    per_group = layer.channels // layer.groups
    groups = kept.reshape(layer.groups, -1).any(axis=1)
    read = layer.inputs if groups.all() else layer.inputs[:, np.repeat(groups, per_group)]
    candidates[read[read != NONE]] = True


Block = tuple[Ids, Ids, NDArray[np.float32]]


def _edge_blocks(
    graph: ConnectionGraph,
    order: list[int],
    reached: NDArray[np.int64],
    kept: KernelMask,
    magnitude: Floats,
    relevance: Floats,
    measured: Measurement,
) -> Iterator[Block]:
    for position in order:
        layer = graph.layers[position]
        rows = np.flatnonzero(kept[layer.offset : layer.offset + layer.size])
        if not len(rows) or not any(reached[source] >= 0 for source in graph.feeding[position]):
            continue
        if layer.kind == "boundary":
            sources = layer.inputs[0][kept[layer.inputs[0]]]
            targets = np.full(len(sources), layer.offset, np.int32)
            yield sources, targets, relevance[sources].astype(np.float32)
            continue
        channels = np.flatnonzero(((layer.inputs != NONE) & kept[layer.inputs]).any(axis=0))
        if not len(channels):
            continue
        whole = layer.groups > 1  # each group has channels of its own: read them all
        picked = kernel_products(layer, measured.layers[layer.name], rows, None if whole else channels)
        narrowed = layer if whole else replace(layer, inputs=layer.inputs[:, channels])
        shared = shares(narrowed, magnitude)
        yield from channel_edges(narrowed, rows, picked, kept, shared)


def shares(layer: KernelLayer, magnitude: Floats) -> Floats | None:
    """Return (K, channels): how a channel's contribution is divided among its sources; None when each has one."""
    if len(layer.inputs) == 1:
        return None
    sizes = np.where(layer.inputs == NONE, 0.0, magnitude[layer.inputs])
    total = sizes.sum(axis=0)
    evenly = (layer.inputs != NONE) / np.maximum(1, (layer.inputs != NONE).sum(axis=0))
    return np.where(total > 0, sizes / np.where(total > 0, total, 1.0), evenly)


def channel_edges(
    layer: KernelLayer, rows: NDArray[np.int64], products: NDArray[np.float32], kept: KernelMask, shared: Floats | None
) -> Iterator[Block]:
    """Yield the edges from kept kernels to the kernels `rows`, given (rows, channels of a group) contributions."""
    usable = (layer.inputs != NONE) & kept[layer.inputs]
    per_group = layer.channels // layer.groups
    group_of = rows // (layer.size // layer.groups)
    blocks = []
    for group in np.unique(group_of):
        members = np.flatnonzero(group_of == group)
        first = int(group) * per_group
        for place in range(len(layer.inputs)):
            columns = np.flatnonzero(usable[place, first : first + per_group])
            if not len(columns):
                continue
            values = products[np.ix_(members, columns)]
            if shared is not None:
                values = values * shared[place, first + columns].astype(np.float32)
            sources = np.broadcast_to(layer.inputs[place, first + columns], values.shape)
            targets = np.broadcast_to((rows[members] + layer.offset)[:, None], values.shape).astype(np.int32)
            blocks.append((sources.ravel(), targets.ravel(), values.ravel()))
    if blocks:
        yield _each_pair_once(layer, *(np.concatenate(parts) for parts in zip(*blocks, strict=True)))


def reads_each_once(layer: KernelLayer) -> bool:
    """Whether no kernel reaches the layer by more than one channel."""
    used = layer.inputs[layer.inputs != NONE]
    return len(np.unique(used)) == len(used)


def _each_pair_once(layer: KernelLayer, sources: Ids, targets: Ids, values: NDArray[np.float32]) -> Block:
    """Add up the contributions of a kernel that reaches a layer by several channels (flattening, shared sources)."""
    if reads_each_once(layer):
        return sources, targets, values
    pairs, place = np.unique(targets.astype(np.int64) << 32 | sources, return_inverse=True)
    summed = np.bincount(place, weights=values, minlength=len(pairs)).astype(np.float32)
    return (pairs & 0xFFFFFFFF).astype(np.int32), (pairs >> 32).astype(np.int32), summed


def strongest_edges(blocks: list[Block], most: int | None) -> tuple[Ids, Ids, NDArray[np.float32], int]:
    """Return all edges, or the strongest `most`, in no order, and how many there were."""
    if not blocks:
        none = np.empty(0, np.int32)
        return none, none, np.empty(0, np.float32), 0
    sources, targets, values = (np.concatenate(parts) for parts in zip(*blocks, strict=True))
    total = len(values)
    if most is not None and total > most:
        chosen = np.argpartition(-np.abs(values), most)[:most]
        sources, targets, values = sources[chosen], targets[chosen], values[chosen]
    return sources, targets, values, total
