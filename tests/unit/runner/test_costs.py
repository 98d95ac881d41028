"""Known answers of the cost model: rates that were planted, errors that were planted, ends that can be counted."""

from __future__ import annotations

import random

import pytest

from reportgen.records.jobs import Job
from reportgen.records.manifest import LayerFacts
from reportgen.runner.costs.model import cost_model, error_of, fitted_rate, left_out_errors
from reportgen.runner.costs.observed import Observation, shipped
from reportgen.runner.costs.schedule import TimedChunk, seconds_until_done
from reportgen.runner.costs.work import cost_kind, work_of
from reportgen.runner.machine import threads_of, with_threads

HERE, THERE = "This processor, 2 threads", "That processor, 2 threads"


def seen(jobs: int, work: float, seconds: float, *, kind: str = "kernels", machine: str = HERE) -> Observation:
    return Observation(machine=machine, kind=kind, jobs=jobs, work=work, seconds=seconds, size=1000 * jobs, pixels=10)


def planted(rng: random.Random, count: int, noise: float) -> list[Observation]:
    """Return chunks of which a job takes 2 s and 1e9 multiply-adds 0.5 s, give or take."""
    found = []
    for _ in range(count):
        jobs, work = rng.randint(1, 20), rng.uniform(1, 200)
        found.append(seen(jobs, work, (2 * jobs + 0.5 * work) * rng.choice([1 - noise, 1 + noise])))
    return found


def test_a_planted_rate_is_found() -> None:
    rate = fitted_rate(planted(random.Random(0), 12, 0.0))
    assert (rate.job, rate.work) == pytest.approx((2, 0.5), rel=1e-3)
    noisy = fitted_rate(planted(random.Random(1), 200, 0.2))
    assert noisy.seconds(10, 100) == pytest.approx(70, rel=0.06)
    assert fitted_rate([seen(3, 0, 6)]).seconds(5, 0) == pytest.approx(10)  # no multiply-adds are known
    assert fitted_rate([seen(1, 10, 6)]).seconds(1, 20) == pytest.approx(12)


def test_one_odd_chunk_does_not_move_the_rate() -> None:
    observed = [*planted(random.Random(2), 12, 0.0), seen(1, 10, 700)]
    assert fitted_rate(observed).seconds(10, 100) == pytest.approx(70, rel=0.05)


@pytest.mark.parametrize("noise", [0.05, 0.3])
def test_the_stated_error_is_the_one_that_was_planted(noise: float) -> None:
    error = error_of(left_out_errors(planted(random.Random(3), 300, noise)))
    assert error is not None
    assert error.median == pytest.approx(noise, rel=0.35)
    assert error.ninety < 2.2 * noise
    assert error.predictions == 300
    assert error_of(left_out_errors(planted(random.Random(3), 2, noise))) is None  # too few to say


def test_what_a_machine_has_no_record_of_is_scaled_by_what_both_have_or_not_known() -> None:
    there = [seen(1, w, 2.0 * w, machine=THERE) for w in (1, 2, 4)]
    there += [seen(1, w, 10.0 * w, kind="path", machine=THERE) for w in (1, 2)]
    here = [seen(1, w, 3 * 2.0 * w) for w in (1, 3, 9)]
    model = cost_model(HERE, here, there, is_here=True)
    assert model.estimate("kernels", 1, 5).seconds == pytest.approx(30)
    scaled = model.estimate("path", 1, 5)
    assert scaled.seconds == pytest.approx(150)  # three times as slow as there
    assert THERE in scaled.basis
    assert "times 3 " in scaled.basis
    assert scaled.error is None
    assert model.estimate("pyramid", 1, 5).seconds is None
    alone = cost_model(HERE, [], there, is_here=True)
    assert alone.estimate("path", 1, 5).seconds == pytest.approx(50)
    assert "as if this machine were that one" in alone.estimate("path", 1, 5).basis
    other = cost_model("An unknown GPU", [], there, is_here=False)
    assert other.estimate("path", 1, 5).seconds is None
    declared = cost_model("An unknown GPU", [], there, is_here=False, times=20)
    assert declared.estimate("path", 1, 5).seconds == pytest.approx(2.5)
    assert "20 times as fast" in declared.estimate("path", 1, 5).basis
    assert model.bytes_of("kernels", 3, 20) == pytest.approx(6000)
    assert model.bytes_of("pyramid", 3, 20) is None


def test_ends_are_those_that_can_be_counted() -> None:
    four = [TimedChunk(name, seconds) for name, seconds in {"a": 4.0, "b": 3.0, "c": 2.0, "d": 1.0}.items()]
    assert seconds_until_done(four, 1) == 10
    assert seconds_until_done(four, 2) == 5
    assert seconds_until_done(four, 8) == 4
    assert seconds_until_done([], 2) == 0
    assert seconds_until_done(four, 8, at_once=2) == 5.5, "workers without a chunk take nobody's processor"
    assert seconds_until_done(four, 2, at_once=1) == 10
    chain = [TimedChunk(f"c{n}", 2.0, frozenset({f"c{n - 1}"}) if n else frozenset()) for n in range(5)]
    assert seconds_until_done(chain, 4) == 10
    assert seconds_until_done([*chain, TimedChunk("free", 10.0)], 2) == 10
    assert seconds_until_done([TimedChunk("x", 1.0, frozenset({"done before"}))], 1) == 1


def test_a_hundred_thousand_chunks_are_scheduled_in_seconds() -> None:
    chunks = [TimedChunk(f"c{n}", 1.0) for n in range(100_000)]
    assert seconds_until_done(chunks, 512) == 196


LAYERS = {
    name: LayerFacts(
        name=name, kind="Conv3d", kernels=8, inputs=8, kernel_size=(3, 3, 3), stride=(1, 1, 1), groups=1,
        parameters=1, multiply_adds=10**9, order=order,
    )
    for order, name in enumerate(("first", "second"))
}  # fmt: skip


def asked(analysis: str, unit: str = "tiny/second/0001", **parameters: object) -> Job:
    return Job(analysis=analysis, version=1, unit=unit, parameters=parameters, seed=0, inputs={})


def test_work_is_that_of_the_passes_up_to_the_layer() -> None:
    kernel = asked("kernels", layer="first", steps=10, work=None, grow=False)
    assert work_of(kernel, LAYERS, 0) == 30
    assert work_of(kernel.model_copy(update={"parameters": {**kernel.parameters, "layer": "second"}}), LAYERS, 0) == 60
    short, long = (asked("kernels", layer="first", steps=n, work=None, small_first=True) for n in (10, 200))
    assert (work_of(short, LAYERS, 0), work_of(long, LAYERS, 0)) == (30, 300)
    assert work_of(asked("path", layer="first", steps=200, seeds=2, small_first=True), LAYERS, 0) == 3 * (1 + 200)
    bounded = asked("kernels", layer="second", steps=1000, work=120.0, grow=False)
    assert work_of(bounded, LAYERS, 0) == pytest.approx(120)
    assert work_of(asked("saliency", method="smoothgrad", samples=16, steps=64), LAYERS, 0) == 2 * 3 * 16
    assert work_of(asked("saliency", method="gradients", samples=16, steps=64), LAYERS, 0) == 2 * 3
    assert work_of(asked("evidence", "tiny"), LAYERS, 40) == 80
    assert work_of(asked("motion", "tiny/clip", draws=4, clips=32), LAYERS, 40) == 2 * 5, (
        "one clip, whatever the others"
    )
    assert work_of(asked("motion", "tiny", draws=4, clips=32, objective="firing"), LAYERS, 40) == 2 * 5 * 32
    assert work_of(asked("motion", "tiny", draws=4, clips=32, objective="firing"), LAYERS, 0) == 0, "known by then"
    assert work_of(asked("somebody's own", "tiny"), LAYERS, 40) == 2
    assert work_of(kernel, {}, 0) == 0
    assert cost_kind(asked("saliency", method="gradients")) == "saliency gradients"
    assert cost_kind(asked("motion", "tiny")) == "motion of the network"


def test_the_shipped_figures_name_their_machine_and_cover_the_methods() -> None:
    kinds = {one.kind.split(" ")[0] for one in shipped()}
    assert kinds >= {"kernels", "decomposition", "path", "evidence", "saliency", "faithfulness", "pyramid", "motion"}
    assert all(threads_of(one.machine) for one in shipped())
    assert threads_of(with_threads("CPU", 1)) == 1
    assert threads_of("NVIDIA H100 80GB HBM3") is None
