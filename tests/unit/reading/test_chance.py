"""How many kernels two pyramids share by chance, against drawing them."""

from __future__ import annotations

import random

import pytest

from reportgen.reading.chance import shared_by_chance
from reportgen.records.pyramid_compare import LayerComparison


def layer(kernels: int, first: int, second: int) -> LayerComparison:
    return LayerComparison("a", 1, kernels, 0, first, second, 0.0, None)


def both_keep(draw: random.Random, one: LayerComparison) -> int:
    first, second = (set(draw.sample(range(one.kernels), kept)) for kept in (one.only_first, one.only_second))
    return len(first & second)


def test_the_mean_and_the_interval_are_those_of_random_draws() -> None:
    layers = [layer(20, 6, 8), layer(9, 3, 9), layer(40, 10, 2)]
    mean, low, high = shared_by_chance(layers)
    assert mean == pytest.approx(6 * 8 / 20 + 3 + 10 * 2 / 40)
    draw = random.Random(0)
    drawn = []
    for _ in range(4000):
        drawn.append(sum(both_keep(draw, one) for one in layers))
    within = sum(low <= one <= high for one in drawn) / len(drawn)
    assert 0.94 < within < 1.0
    assert sum(low < one <= high for one in drawn) / len(drawn) < 0.97
    assert sum(low <= one < high for one in drawn) / len(drawn) < 0.97


def test_layers_kept_whole_are_shared_whole() -> None:
    assert shared_by_chance([layer(4, 4, 4)]) == (4.0, 4, 4)
    assert shared_by_chance([]) == (1.0 * 0, 0, 0)
