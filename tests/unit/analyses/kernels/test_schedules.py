"""Levels, learning rates and arrival."""

from __future__ import annotations

import pytest

from reportgen.analyses.kernels.schedules import Level, converged, exact_at_last, levels, small_shape, unbent


def test_three_quarters_explore_and_the_rest_cools_in_full_precision() -> None:
    explore, cool = levels((16, 64, 64), 100, reduced_precision=True)
    assert (explore.steps, cool.steps) == (75, 25)
    assert explore.reduced_precision
    assert not cool.reduced_precision
    assert not cool.stops_early


def test_the_last_quarter_of_a_cool_down_alone_is_exact_where_exploration_is_not() -> None:
    explore, cool = levels((16, 64, 64), 128, small=(8, 16, 16), reduced_precision=True)
    found = exact_at_last((explore, cool), sees_pixels=False)
    assert [(level.steps, level.reduced_precision) for level in found] == [(112, True), (12, True), (4, False)]
    rates = [level.rate(step) for level in found[1:] for step in range(level.steps)]
    assert rates == [cool.rate(step) for step in range(cool.steps)]


@pytest.mark.parametrize(
    ("steps", "reduced", "sees_pixels"), [(128, False, False), (128, True, True), (4, True, False)]
)
def test_a_cool_down_of_first_layers_of_one_step_or_in_one_precision_is_whole(
    steps: int, reduced: bool, sees_pixels: bool
) -> None:
    paced = levels((16, 64, 64), steps, small=(8, 16, 16), reduced_precision=reduced)
    assert exact_at_last(paced, sees_pixels=sees_pixels) == paced


def test_one_step_is_a_cool_down() -> None:
    assert [level.steps for level in levels((1, 8, 8), 1)] == [1]


def test_a_small_shape_is_only_for_exploring() -> None:
    explore, cool = levels((16, 64, 64), 64, small=(8, 16, 16))
    assert (explore.shape, explore.steps) == ((8, 16, 16), 56)
    assert (cool.shape, cool.steps) == ((16, 64, 64), 8)


def test_the_rate_warms_up_and_cools_to_a_twentieth() -> None:
    explore, cool = levels((1, 8, 8), 100)
    assert explore.rate(0) == pytest.approx(0.2)
    assert explore.rate(30) == 1
    assert cool.rate(cool.steps - 1) == pytest.approx(0.05)
    rates = [cool.rate(step) for step in range(cool.steps)]
    assert rates == sorted(rates, reverse=True)


def test_a_curve_has_arrived_when_its_mean_gains_less_than_a_thousandth() -> None:
    rising = [float(step) for step in range(40)]
    assert not converged(rising)
    assert not converged([5.0] * 39)
    assert converged([5.0] * 40)
    assert not converged([5.0] * 20 + [5.01] * 20)
    assert not converged([-5.0] * 20 + [-4.9] * 20)
    assert converged([5.0, 4.0] * 20)


@pytest.mark.parametrize(
    ("reach", "strides", "expected"),
    [
        ((5, 7, 7), (1, 2, 2), (8, 32, 32)),
        ((10, 19, 19), (2, 4, 4), (8, 32, 32)),
        ((5, 35, 35), (1, 4, 4), (8, 32, 32)),
        ((17, 60, 60), (2, 8, 8), (8, 32, 32)),
        ((17, 60, 60), (16, 64, 64), None),
    ],
)
def test_the_small_shape_holds_what_a_unit_sees_or_half_of_the_clip(
    reach: tuple[int, int, int], strides: tuple[int, int, int], expected: tuple[int, int, int] | None
) -> None:
    assert small_shape((16, 64, 64), reach, strides) == expected


def test_what_does_not_tile_the_clip_is_taken_when_it_is_much_smaller() -> None:
    assert small_shape((16, 100, 100), (16, 39, 39), (4, 8, 8)) == (8, 40, 40)


def test_levels_are_values() -> None:
    assert Level((1, 2, 3), 4) == Level((1, 2, 3), 4)


def test_the_prior_guides_the_exploring_steps_and_ends_no_search() -> None:
    explore, cool = unbent(levels((16, 64, 64), 100), sees_pixels=False, learning_rate=0.1)
    assert [(level.steps, level.prior) for level in (explore, cool)] == [(75, True), (25, False)]
    assert {level.kept(step) for level in (explore, cool) for step in range(level.steps)} == {1}


def test_a_layer_that_sees_pixels_has_no_guide_and_forgets_at_first() -> None:
    free, cool = unbent(levels((16, 64, 64), 100), sees_pixels=True, learning_rate=0.1)
    assert (free.steps, free.prior, cool.steps, cool.prior) == (75, False, 25, False)
    assert free.kept(0) == free.kept(37) == 0.9
    assert free.kept(74) > 0.99
    assert cool.kept(0) == 1
    (fast, _) = unbent(levels((16, 64, 64), 100), sees_pixels=True, learning_rate=3.0)
    assert fast.kept(0) == 0.8
