"""Which kernels are shown: those that pyramids keep come first, then those that tell clips apart, none twice."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from reportgen.analyses.choice.select import kernels_of_pyramids, select_kernels
from reportgen.analyses.choice.selection import KernelSelection
from reportgen.records.manifest import LayerFacts

LAYERS = {
    name: LayerFacts(
        name=name, kind="Conv3d", kernels=6, inputs=3, kernel_size=(3, 3, 3), stride=(1, 1, 1), groups=1, output=(6, 4),
        receptive_field=(3, 3, 3), parameters=1, multiply_adds=1, order=order,
    )
    for order, name in enumerate(("a", "b"))
}  # fmt: skip


def scores(values: list[float], repeated: dict[int, int] | None = None) -> NDArray[np.float64]:
    own = [float((repeated or {}).get(kernel, -1)) for kernel in range(len(values))]
    return np.array([values, [1.0] * len(values), own])


def chosen(
    count: int,
    pyramids: list[dict[str, list[tuple[float, int]]]],
    values: list[float],
    *,
    choose: str = "important",
    repeated: dict[int, int] | None = None,
) -> dict[str, tuple[int, ...]]:
    found = [
        {layer: np.array([[r for r, _ in rows], [k for _, k in rows]], float) for layer, rows in one.items()}
        for one in pyramids
    ]
    selectivity = dict.fromkeys(LAYERS, scores(values, repeated))
    return select_kernels(LAYERS, ["a", "b"], KernelSelection(count=count), choose, selectivity, found)


SELECTIVE = [0.1, 0.9, 0.2, 0.8, 0.3, 0.0]
"""By selectivity alone: 1, 3, 4, 2, 0, 5."""


def test_kernels_that_a_pyramid_keeps_take_half_of_the_places_and_a_layer_behind_it_is_chosen_by_clips() -> None:
    pyramid = {"b": [(0.5, 1), (0.0, 0), (0.2, 0), (0.0, 0), (0.1, 1), (2.0, 1)]}
    found = chosen(3, [pyramid], SELECTIVE)
    assert found["b"] == (5, 0, 1), "the two of the largest relevance that it keeps, then the most selective one"
    assert found["a"] == (1, 3, 4), "no pyramid reaches this layer"


def test_what_a_pyramid_does_not_keep_or_what_speaks_against_the_class_is_not_chosen_by_it() -> None:
    found = chosen(4, [{"b": [(9.0, 0), (0.0, 0), (-3.0, 1), (0.0, 0), (0.0, 0), (1.0, 1)]}], SELECTIVE)
    assert found["b"] == (5, 1, 3, 4)


def test_of_several_pyramids_the_largest_share_of_a_layer_counts_and_not_the_largest_number() -> None:
    small = {"b": [(0.0, 0)] * 4 + [(0.9, 1), (0.1, 1)]}
    large = {"b": [(10.0, 1), (90.0, 1)] + [(300.0, 0)] * 3 + [(0.0, 0)]}
    assert chosen(2, [small, large], SELECTIVE)["b"] == (4, 1)


def test_a_kernel_that_repeats_another_is_not_shown_beside_it_while_there_are_others() -> None:
    assert chosen(3, [], SELECTIVE, choose="selective", repeated={3: 1})["a"] == (1, 4, 2)
    assert chosen(6, [], SELECTIVE, choose="selective", repeated={3: 1})["a"] == (0, 1, 2, 3, 4, 5)
    assert chosen(5, [], SELECTIVE, choose="selective", repeated={3: 1, 4: 1})["a"] == (1, 2, 0, 5, 3)


def test_the_other_rules_do_not_read_pyramids() -> None:
    pyramid = {"a": [(0.0, 0)] * 5 + [(1.0, 1)], "b": [(0.0, 0)] * 5 + [(1.0, 1)]}
    assert chosen(2, [pyramid], SELECTIVE, choose="selective")["a"] == (1, 3)
    assert chosen(2, [pyramid], SELECTIVE, choose="spread")["a"] == (0, 5)
    assert chosen(2, [pyramid], SELECTIVE, choose="first")["a"] == (0, 1)
    spread = select_kernels(LAYERS, ["a"], KernelSelection(count=2), "important", None, [])
    assert spread["a"] == (0, 5), "without clips and pyramids they are evenly spaced"


@pytest.mark.parametrize(("kept", "told"), [(1, True), (0, False)])
def test_pyramids_decide_only_where_they_keep_a_kernel_of_a_shown_layer(kept: int, told: bool) -> None:
    pyramid = {"b": np.array([[1.0], [float(kept)]])}
    assert kernels_of_pyramids([pyramid], ["a", "b"]) is told
    assert not kernels_of_pyramids([pyramid], ["a"])
