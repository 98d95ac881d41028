"""The order of kernels within the columns of a drawn pyramid, so that its edges cross little."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from reportgen.analyses.pyramid.class_pyramid import ClassPyramid

SWEEPS = 4
"""Rounds, each to the class and back; more change little."""


def barycentre_order(pyramid: ClassPyramid) -> dict[tuple[str, int], int]:
    """Return each kept kernel's place in its layer's column (Sugiyama, Tagawa and Toda 1981).

    Columns start in the order of relevance and are sorted, to the clip and back, by the mean place of the kernels
    that they feed, or are fed by, weighted by the size of the contribution. Places are compared relative to their
    column's length.
    """
    layers = [layer for layer in pyramid.layers if layer.kept.any()]
    place = np.zeros(pyramid.graph.size)
    columns: list[NDArray[np.int64]] = []
    for layer in layers:
        members = layer.offset + np.flatnonzero(layer.kept)
        columns.append(_settle(members, -layer.relevance[layer.kept], place))
    weights = np.abs(pyramid.contributions).astype(np.float64)
    ends = pyramid.sources, pyramid.targets
    for _ in range(SWEEPS):
        for (near, far), order in ((ends, range(1, len(columns))), (ends[::-1], range(len(columns) - 2, -1, -1))):
            sorted_by = np.argsort(near, kind="stable")
            starts = np.searchsorted(near[sorted_by], np.arange(len(place) + 1))
            for position in order:
                members = columns[position]
                keys = _centres(members, far, sorted_by, starts, weights, place)
                columns[position] = _settle(members, keys, place)
    return {
        (layer.name, int(number) - layer.offset): rank
        for layer, column in zip(layers, columns, strict=True)
        for rank, number in enumerate(column)
    }


def _settle(members: NDArray[np.int64], keys: NDArray[np.float64], place: NDArray[np.float64]) -> NDArray[np.int64]:
    """Sort a column by `keys` and note the relative places of its members."""
    ordered = members[np.argsort(keys, kind="stable")]
    place[ordered] = (np.arange(len(ordered)) + 0.5) / len(ordered)
    return ordered


def _centres(
    members: NDArray[np.int64],
    far: NDArray[np.int32],
    sorted_by: NDArray[np.int64],
    starts: NDArray[np.int64],
    weights: NDArray[np.float64],
    place: NDArray[np.float64],
) -> NDArray[np.float64]:
    """Return the weighted mean place of each member's neighbours; its own place where it has none."""
    counts = starts[members + 1] - starts[members]
    owner = np.repeat(np.arange(len(members)), counts)
    within = np.arange(len(owner)) - np.repeat(np.cumsum(counts) - counts, counts)
    edges = sorted_by[np.repeat(starts[members], counts) + within]
    total = np.bincount(owner, weights[edges], minlength=len(members))
    moment = np.bincount(owner, weights[edges] * place[far[edges]], minlength=len(members))
    return np.where(total > 0, moment / np.where(total > 0, total, 1.0), place[members])
