"""Which kernels feed each kernel, and which it feeds, by the weights between them alone."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from torch import Tensor, nn

from reportgen.analyses.pyramid.products import as_kernels
from reportgen.networks.core.network import Network
from reportgen.networks.trace.graph import ConnectionGraph, KernelLayer
from reportgen.networks.trace.labels import NONE

MOST_WEIGHTED = 5
"""Kernels that are kept of those that feed one, and of those that it feeds."""

Links = NDArray[np.float32]
"""`K 2 MOST 3`: what feeds each kernel and what it feeds, as (place of the layer in the graph, index, share)."""


def weighted_links(network: Network, graph: ConnectionGraph, layers: Sequence[str]) -> dict[str, Links]:
    """Return the strongest connections of every kernel of some layers of `graph`, the strongest first.

    The share of a connection is that of the squared weights of the kernel that reads: those with which it reads the
    other one, on all channels and ways on which that reaches it, of all its weights. Where there are fewer than
    MOST_WEIGHTED, or weights that are no parameter of the network, the place of a layer is -1. How strongly a kernel
    fires, and what lies between two, is no part of it.
    """
    tensors = dict(network.module.named_parameters()) | dict(network.module.named_buffers())
    found = {name: _none(graph.layer(name).size) for name in layers if name in graph.positions}
    for layer in graph.layers:
        energy = _energy(network, layer, tensors.get(layer.parameter or ""))
        reads = layer.name in found
        fed = [source for source in graph.feeding[graph.positions[layer.name]] if graph.layers[source].name in found]
        if energy is None or not (reads or fed):
            continue
        for targets, sources, shares in _grouped(layer, energy):
            if reads:
                _keep(graph, found[layer.name][:, 0], targets, sources, shares)
            for place in fed:
                source = graph.layers[place]
                own = np.flatnonzero((sources >= source.offset) & (sources < source.offset + source.size))
                rows = sources[own] - source.offset
                _keep(graph, found[source.name][:, 1], rows, targets + layer.offset, shares[:, own].T)
    return found


def _energy(network: Network, layer: KernelLayer, weight: Tensor | None) -> NDArray[np.float64] | None:
    """Return the squared weights of a layer by kernel and channel of its group; None where they are not known.

    The graph says which parameter a product of matrices uses, and not which way round: a `Linear` tells, and a shape
    that is not square.
    """
    if weight is None or not layer.kernels:
        return None
    matrix = weight.detach().double().cpu()
    if layer.layout in ("conv", "conv_transpose"):
        matrix = as_kernels(layer, matrix)
    elif matrix.ndim == 2 and matrix.shape[0] == matrix.shape[1]:
        owner = network.module.get_submodule((layer.parameter or "").rpartition(".")[0])
        if not isinstance(owner, nn.Linear):
            return None
    elif matrix.shape == (layer.channels, layer.size):
        matrix = matrix.T
    energy = matrix.square().flatten(2).sum(2) if matrix.ndim > 2 else matrix.square()
    found: NDArray[np.float64] = energy.numpy()
    return found if found.shape == (layer.size, layer.channels // layer.groups) else None


def _none(size: int) -> Links:
    links = np.zeros((size, 2, MOST_WEIGHTED, 3), np.float32)
    links[..., :2] = -1
    return links


def _grouped(
    layer: KernelLayer, energy: NDArray[np.float64]
) -> list[tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.float64]]]:
    """Return each group's kernels, the numbers of its sources, and the share of each source in each kernel's weights.

    `energy` are the squared weights by kernel and channel of its group.
    """
    per_group, width = layer.channels // layer.groups, layer.size // layer.groups
    found = []
    for group in range(layer.groups):
        block = layer.inputs[:, group * per_group : (group + 1) * per_group]
        own = energy[group * width : (group + 1) * width]
        sources = np.unique(block)
        sources = sources[sources != NONE].astype(np.int64)
        reached = np.zeros((per_group, len(sources)))
        for row in block:
            channels = np.flatnonzero(row != NONE)
            reached[channels, np.searchsorted(sources, row[channels])] = 1
        whole = own.sum(1, keepdims=True)
        shares = np.divide(own @ reached, whole, out=np.zeros((width, len(sources))), where=whole > 0)
        found.append((np.arange(group * width, (group + 1) * width), sources, shares))
    return found


def _keep(
    graph: ConnectionGraph,
    links: Links,
    rows: NDArray[np.int64],
    others: NDArray[np.int64],
    shares: NDArray[np.float64],
) -> None:
    """Merge connections, `shares` rows x others, into the strongest ones that `links` (K MOST 3) holds of some rows."""
    inner = np.isin(graph.layer_of(others), [place for place, one in enumerate(graph.layers) if one.kernels])
    others, shares = others[inner], shares[:, inner]
    if not len(rows) or not len(others):
        return
    few = min(MOST_WEIGHTED, len(others))
    best = np.argsort(-shares, axis=1, kind="stable")[:, :few]
    places = graph.layer_of(others)
    new = np.stack([places[best], others[best] - graph.offsets[places[best]], np.take_along_axis(shares, best, 1)], -1)
    new[new[..., 2] <= 0] = (-1, -1, 0)
    both = np.concatenate([links[rows], new.astype(np.float32)], axis=1)
    order = np.argsort(-both[..., 2], axis=1, kind="stable")[:, :MOST_WEIGHTED]
    links[rows] = np.take_along_axis(both, order[..., None], axis=1)
