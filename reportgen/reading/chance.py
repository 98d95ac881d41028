"""How many kernels two pyramids would share if as many were drawn at random in each layer."""

from __future__ import annotations

from collections.abc import Iterable
from math import comb

from reportgen.records.pyramid_compare import LayerComparison

COVERED = 0.95
"""The share of draws that lie within the interval."""


def shared_by_chance(layers: Iterable[LayerComparison]) -> tuple[float, int, int]:
    """Return the mean and the ends of the interval that holds 95% of draws, over all layers.

    Of a layer's N kernels one pyramid keeps m and the other n; the number that both keep is then hypergeometric, and
    the layers are drawn apart from each other.
    """
    total = [1.0]
    for layer in layers:
        total = _sum_of(total, _drawn(layer))
    mean = sum(count * share for count, share in enumerate(total))
    below, low = 0.0, 0
    while below + total[low] < (1 - COVERED) / 2:
        below += total[low]
        low += 1
    above, high = 0.0, len(total) - 1
    while above + total[high] < (1 - COVERED) / 2:
        above += total[high]
        high -= 1
    return mean, low, high


def _drawn(layer: LayerComparison) -> list[float]:
    """Return how likely each number of shared kernels is in one layer, from none on."""
    first, second = layer.shared + layer.only_first, layer.shared + layer.only_second
    every = comb(layer.kernels, second)
    return [
        comb(first, both) * comb(layer.kernels - first, second - both) / every for both in range(min(first, second) + 1)
    ]


def _sum_of(one: list[float], other: list[float]) -> list[float]:
    found = [0.0] * (len(one) + len(other) - 1)
    for i, share in enumerate(one):
        for j, also in enumerate(other):
            found[i + j] += share * also
    return found
