"""The best order of a hierarchy's leaves is that which trying all turns of its branches finds."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.cluster.hierarchy import is_valid_linkage, leaves_list, linkage
from scipy.spatial.distance import squareform

from reportgen.analyses.responses.leaf_order import best_leaf_order

Floats = NDArray[np.float64]


def distances(kind: str, count: int, seed: int) -> Floats:
    rng = np.random.default_rng(seed)
    if kind == "equal":
        return np.ones((count, count)) - np.eye(count)
    points = np.cumsum(1.3 ** np.arange(count))[:, None] if kind == "chain" else rng.normal(size=(count, 3))
    if kind == "noise":
        points = rng.random((count, count))
        return (points + points.T) * (1 - np.eye(count))
    apart: Floats = np.sqrt(((points[:, None] - points) ** 2).sum(-1))
    return apart


def length(tree: Floats, apart: Floats) -> float:
    order = leaves_list(tree)
    return float(apart[order[:-1], order[1:]].sum())


def turned(tree: Floats, turns: tuple[bool, ...]) -> Floats:
    found = tree.copy()
    for row, turn in enumerate(turns):
        if turn:
            found[row, :2] = found[row, 1::-1]
    return found


@pytest.mark.parametrize("kind", ["points", "noise", "chain", "equal"])
@pytest.mark.parametrize("count", [2, 3, 5, 8])
@pytest.mark.parametrize("seed", [0, 1])
def test_no_turn_of_branches_makes_a_shorter_order(kind: str, count: int, seed: int) -> None:
    apart = distances(kind, count, seed)
    tree = linkage(squareform(apart, checks=False), "average")
    found = best_leaf_order(tree, apart)
    assert np.array_equal(np.sort(found[:, :2], axis=1), np.sort(tree[:, :2], axis=1))
    assert np.array_equal(found[:, 2:], tree[:, 2:])
    shortest = min(length(turned(tree, turns), apart) for turns in product((False, True), repeat=count - 1))
    assert length(found, apart) == pytest.approx(shortest, rel=1e-12)


@pytest.mark.parametrize("kind", ["points", "chain"])
def test_large_products_are_made_in_parts_with_the_same_result(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    apart = distances(kind, 90, 3)
    tree = linkage(squareform(apart, checks=False), "average")
    found = best_leaf_order(tree, apart)
    assert is_valid_linkage(found)
    monkeypatch.setattr("reportgen.analyses.responses.leaf_order._SUMS", 7)
    assert np.array_equal(best_leaf_order(tree, apart), found)
