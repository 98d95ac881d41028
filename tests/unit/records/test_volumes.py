"""Maps made smaller, as bytes, and divided by Otsu's threshold."""

from __future__ import annotations

import numpy as np
import pytest

from reportgen.records.volumes import Steps, byte_levels, otsu, reduced, rounded, steps_for, threshold_value


@pytest.mark.parametrize(
    ("shape", "most", "steps"),
    [
        ((12, 16, 32, 32), 12 * 16 * 32 * 32, Steps()),
        ((12, 16, 32, 32), 12 * 4096, Steps(1, 2)),
        ((64, 16, 112, 112), 1_000_000, Steps(1, 4)),
        ((2048, 32, 7, 7), 1_000_000, Steps(4, 1)),
        ((2048, 4, 7, 7), 1_000_000, Steps()),
        ((1000, 1, 7, 7), 1000, Steps(1, 7)),
        ((1000, 1, 7, 7), 10, Steps(1, 7)),
    ],
)
def test_positions_are_averaged_before_frames_are_left_out(
    shape: tuple[int, int, int, int], most: int, steps: Steps
) -> None:
    assert steps_for(shape, most) == steps


def test_a_mean_is_over_the_positions_that_there_are() -> None:
    maps = np.arange(2 * 3 * 5 * 4, dtype=np.float32).reshape(2, 3, 5, 4)
    found = reduced(maps, Steps(2, 3))
    assert found.shape == (2, 2, 2, 2)
    assert found[1, 1, 0, 0] == maps[1, 2, :3, :3].mean()
    assert found[1, 1, 1, 1] == maps[1, 2, 3:, 3:].mean()
    assert reduced(maps, Steps()) is maps


def test_rounding_is_that_of_half_precision_in_the_range_of_single() -> None:
    values = np.random.default_rng(0).normal(size=1000).astype(np.float32)
    assert np.array_equal(rounded(values), values.astype(np.float16).astype(np.float32))
    large = np.array([1e30, -3e-30, 0.0, 1.0], np.float32)
    assert np.allclose(rounded(large), large, rtol=4.9e-4, atol=0)


def test_bytes_run_from_the_minimum_to_the_maximum() -> None:
    assert byte_levels(np.array([-2.0, 0.0, 2.0])).tolist() == [0, 128, 255]
    assert byte_levels(np.full((2, 2), 7.0)).tolist() == [[0, 0], [0, 0]]
    with pytest.raises(ValueError, match="finite"):
        byte_levels(np.array([0.0, np.nan]))


def test_otsu_divides_two_heaps_in_the_middle_between_them() -> None:
    levels = np.array([10] * 50 + [12] * 50 + [200] * 30 + [204] * 30, np.uint8)
    assert 12 < otsu(levels) <= 200
    assert abs(otsu(levels) - 106) <= 1
    assert otsu(np.full(9, 30, np.uint8)) == 31
    assert otsu(np.full(9, 255, np.uint8)) == 255


def test_otsu_is_the_largest_variance_between_the_parts_by_trying_all() -> None:
    levels = np.random.default_rng(1).gamma(2, 25, 5000).clip(0, 255).astype(np.uint8)

    def between(threshold: int) -> float:
        low, high = levels[levels < threshold], levels[levels >= threshold]
        if not len(low) or not len(high):
            return -1.0
        return float(len(low) * len(high) * (low.mean() - high.mean()) ** 2)

    assert between(otsu(levels)) == max(between(threshold) for threshold in range(1, 256))


def test_a_threshold_is_a_value_or_a_percentile() -> None:
    maps = np.arange(101, dtype=np.float32)
    assert threshold_value(maps, 3.5) == 3.5
    assert threshold_value(maps, percentile=25) == 25
    for wrong in ({}, {"threshold": 1.0, "percentile": 2.0}):
        with pytest.raises(ValueError, match="a threshold or a percentile"):
            threshold_value(maps, **wrong)
