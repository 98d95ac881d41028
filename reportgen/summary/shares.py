"""How much of each network stands in a summary: the more networks, the less of each, so that it stays a few pages."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeVar

_T = TypeVar("_T")

MOST_NETWORKS = 6
"""Networks that a summary shows; it lists the others."""


@dataclass(frozen=True)
class Shares:
    """The most that is shown of one network; `all_checks` says whether the checks that pass are among them."""

    kernels: int
    pyramids: int
    maps: int
    layers: int
    classes: int
    all_checks: bool


def shares_of(networks: int) -> Shares:
    """Return what each of so many networks gets."""
    if networks <= 1:
        return Shares(kernels=24, pyramids=2, maps=6, layers=14, classes=40, all_checks=True)
    if networks == 2:
        return Shares(kernels=12, pyramids=1, maps=3, layers=8, classes=12, all_checks=True)
    return Shares(kernels=4, pyramids=1, maps=2, layers=0, classes=0, all_checks=False)


def spread(items: Sequence[_T], most: int) -> list[_T]:
    """Return at most so many items, the first, the last and those evenly between."""
    if len(items) <= most:
        return list(items)
    if most <= 1:
        return list(items[:most])
    return [items[round(place * (len(items) - 1) / (most - 1))] for place in range(most)]
