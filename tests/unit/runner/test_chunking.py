"""Chunks are some minutes long, never shorter than a batch, and the same wherever they are planned."""

from __future__ import annotations

from dataclasses import replace

import pytest

from reportgen.analyses.registry import find_method
from reportgen.records.jobs import Job
from reportgen.records.manifest import LayerFacts
from reportgen.runner.chunking import LEAST_CHUNK, SECONDS, chunk_count, in_parts
from reportgen.runner.costs.model import cost_model
from reportgen.runner.costs.observed import shipped
from reportgen.runner.plan import plan_jobs
from reportgen.runner.prepare import Prepared


def layer(multiply_adds: float) -> dict[str, LayerFacts]:
    facts = LayerFacts(
        name="conv", kind="Conv3d", kernels=512, inputs=8, kernel_size=(3, 3, 3), stride=(1, 1, 1), groups=1,
        parameters=1, multiply_adds=int(multiply_adds), order=0,
    )  # fmt: skip
    return {"conv": facts}


def kernels(count: int, analysis: str = "kernels") -> list[Job]:
    asked = {"layer": "conv", "steps": 96, "work": None, "grow": False}
    return [
        Job(analysis=analysis, version=1, unit=f"net/conv/{n:04d}", parameters=asked, seed=0, inputs={})
        for n in range(count)
    ]


def test_small_networks_keep_whole_layers_and_large_ones_batches() -> None:
    assert chunk_count(kernels(64), layer(1e4), "cpu", 10_000) == 1
    assert chunk_count(kernels(512), layer(1e12), "cpu", 10_000) == 512 // LEAST_CHUNK["cpu"]
    assert chunk_count(kernels(512), layer(1e12), "cuda", 10_000) == 512 // LEAST_CHUNK["cuda"]
    assert chunk_count(kernels(512), layer(1e12), "cpu", 16) == 16
    assert chunk_count(kernels(3), layer(1e12), "cpu", 16) == 1
    assert chunk_count(kernels(512, "nobody knows"), layer(1e12), "cpu", 16) == 1


def test_a_chunk_is_as_long_as_it_says() -> None:
    count = chunk_count(kernels(512), layer(2e9), "cpu", 10_000)
    assert 1 < count < 512 // LEAST_CHUNK["cpu"]
    model = cost_model("", [], shipped(), is_here=True)
    seconds = model.estimate("kernels", 512, 512 * 3 * 96 * 2.0).seconds
    assert seconds is not None
    assert SECONDS * 0.8 < seconds / count <= SECONDS


def test_parts_are_even_in_order_and_whole() -> None:
    assert [list(part) for part in in_parts(range(10), 3)] == [[0, 1, 2], [3, 4, 5], [6, 7, 8, 9]]
    assert [len(part) for part in in_parts(range(17), 3)] == [5, 6, 6]
    assert [list(part) for part in in_parts(range(3), 1)] == [[0, 1, 2]]


def test_a_plan_holds_the_chunks_and_workers_get_them(monkeypatch: pytest.MonkeyPatch, prepared: Prepared) -> None:
    monkeypatch.setattr("reportgen.runner.chunking.SECONDS", 1e-9)
    monkeypatch.setitem(LEAST_CHUNK, "cpu", 2)
    method = find_method("kernels")
    subject = replace(prepared.subject, kernels={name: tuple(range(5)) for name in prepared.subject.stages})
    plan = plan_jobs(subject, [method], {"kernels": method.preset("quick")}, prepared.inputs)
    (part,) = plan.parts
    layers = list(prepared.subject.stages)
    assert list(part.chunks()) == [name for layer in layers for name in (f"{layer}/1", f"{layer}/2")]
    assert [len(units) for units in part.chunks().values()] == [2, 3] * len(layers)
    assert {unit.unit.group for units in part.chunks().values() for unit in units} == set(layers)
    stored = plan.stored(1)
    assert [one.chunk for one in stored.jobs][:5] == [f"kernels/{layers[0]}/{n}" for n in (1, 1, 2, 2, 2)]
    assert plan.stored(1) == plan_jobs(subject, [method], {"kernels": method.preset("quick")}, prepared.inputs).stored(
        1
    )
