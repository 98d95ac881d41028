"""How many steps a kernel may take where the work on it is bounded."""

from __future__ import annotations

from reportgen.analyses.kernels.analysis import LEAST_STEPS, affordable_steps
from tests.made import layers_of


def test_a_small_network_takes_every_step() -> None:
    assert affordable_steps(layers_of(10, 10), "conv1", 32, 1000.0) == 32


def test_a_step_costs_three_passes_of_the_layers_up_to_the_kernels_own() -> None:
    large = layers_of(4 * 10**9, 6 * 10**9, 10**15)
    assert affordable_steps(large, "conv1", 100, 600.0) == 20  # 600 / (3 x (4 + 6))


def test_the_largest_network_takes_the_least_that_leads_anywhere() -> None:
    assert affordable_steps(layers_of(10**15), "conv0", 100, 1.0) == LEAST_STEPS
    assert affordable_steps(layers_of(10**15), "conv0", 5, 1.0) == 5


def test_steps_on_smaller_clips_are_cheaper() -> None:
    large = layers_of(4 * 10**9, 6 * 10**9)
    assert affordable_steps(large, "conv1", 100, 600.0, grow=True) == 60
    assert affordable_steps(layers_of(10**15), "conv0", 100, 1.0, grow=True) == 3 * LEAST_STEPS
