"""When a search of ours has arrived at an activation: at the first step that has, and looks cost nothing."""

from __future__ import annotations

from itertools import count
from pathlib import Path

import pytest
from torch import Tensor

from benchmarks import arrival as arriving
from benchmarks.arrival import arrival, soonest
from reportgen.analyses.kernels.options import AscentOptions
from reportgen.analyses.kernels.scoring import ClipScoring
from reportgen.networks.core.network import Network
from reportgen.zoo.load import load_network

FAST = {"learning_rate": 0.2, "grow": False, "early_stop": False}
EVERY = float("inf")


@pytest.fixture
def network(tiny_zoo: Path) -> Network:
    return load_network("tiny", zoo=[tiny_zoo], untrained=True)


def test_a_search_arrives_at_the_first_step_whose_clip_drives_the_kernel_so_much(
    network: Network, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[float] = []
    measure = ClipScoring.measure

    def noted(scoring: ClipScoring, clips: Tensor, kernels: list[int]) -> Tensor:
        found = measure(scoring, clips, kernels)
        seen.append(float(found))
        return found

    options = AscentOptions(**FAST, steps=16)
    monkeypatch.setattr(ClipScoring, "measure", noted)
    assert arrival(network, "first", [0, 1], EVERY, options, EVERY) is None
    climb, seen[:] = seen[:16], []
    goal = sorted(climb)[8]
    first = next(step for step, value in enumerate(climb, 1) if value >= goal)
    found = arrival(network, "first", [0, 1], goal, options, EVERY)
    assert found is not None
    assert found.activation == pytest.approx(climb[first - 1])
    assert sum(steps for _, steps in found.taken) == first
    assert seen == pytest.approx(climb[:first])


def test_looks_cost_nothing_and_what_was_spent_is_shared_by_the_kernels(
    network: Network, monkeypatch: pytest.MonkeyPatch
) -> None:
    ticks = count()
    monkeypatch.setattr(arriving, "clock", lambda _device: float(next(ticks)))
    measure = ClipScoring.measure

    def slow(scoring: ClipScoring, clips: Tensor, kernels: list[int]) -> Tensor:
        for _ in range(100):
            next(ticks)
        return measure(scoring, clips, kernels)

    monkeypatch.setattr(ClipScoring, "measure", slow)
    found = arrival(network, "first", [0, 1], -EVERY, AscentOptions(**FAST, steps=4), EVERY)
    assert found is not None
    assert found.seconds == pytest.approx(1 / 2)
    climb = arrival(network, "first", [0, 1], EVERY, AscentOptions(**FAST, steps=4), 2.0)
    assert climb is None


def test_a_search_that_costs_more_than_the_soonest_so_far_is_given_up(
    network: Network, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[tuple[int, float]] = []

    def found(*given: object) -> arriving.Arrival | None:
        options, most = given[4], given[5]
        assert isinstance(options, AscentOptions)
        assert isinstance(most, float)
        asked.append((options.steps, most))
        seconds = {4: 8.0, 8: 2.0, 16: 5.0, 32: 1.0}[options.steps]
        return arriving.Arrival(options.steps, 1.0, seconds, ()) if seconds < most else None

    monkeypatch.setattr(arriving, "arrival", found)
    best = soonest(network, "first", [0], 1.0, FAST, 32)
    assert best is not None
    assert (best.steps, best.seconds) == (32, 1.0)
    assert asked == [(4, EVERY), (8, 8.0), (16, 2.0), (32, 2.0)]
