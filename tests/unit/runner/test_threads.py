"""A run is computed with the threads of its plan, wherever it goes on."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch

from reportgen.commands.compute import compute
from reportgen.config.options import BuildOptions
from reportgen.progress import SILENT
from reportgen.records.plan import RunPlan
from reportgen.records.store import Store
from reportgen.runner.executors.local import LocalExecutor
from reportgen.runner.threads import planned_threads
from tests.notes import Notes


@pytest.fixture(autouse=True)
def _as_before() -> Iterator[None]:
    before = torch.get_num_threads()
    yield
    torch.set_num_threads(before)


def test_the_threads_of_the_plan_are_taken_and_set_back(tmp_path: Path) -> None:
    store, notes = Store(tmp_path), Notes()
    with planned_threads(store, None, notes):
        assert torch.get_num_threads() == 1
    store.write_plan(RunPlan(parts=(), threads=3))
    with planned_threads(store, None, notes):
        assert torch.get_num_threads() == 3
    assert torch.get_num_threads() == 1
    (said,) = notes.said
    assert "planned with 3 threads" in said
    with planned_threads(store, 2, notes):
        assert torch.get_num_threads() == 2
    store.file("plan.json").write_text("{}")
    with planned_threads(store, None, notes):
        assert torch.get_num_threads() == 1
    assert len(notes.said) == 1


def test_a_machine_that_has_fewer_processors_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store, notes = Store(tmp_path), Notes()
    store.write_plan(RunPlan(parts=(), threads=2))
    monkeypatch.setattr(os, "sched_getaffinity", lambda _process: {0})
    with planned_threads(store, None, notes):
        assert torch.get_num_threads() == 2
    assert "this machine has 1 processor: it will be slower" in notes.said[0]


def test_a_run_that_was_stopped_in_its_first_job_goes_on_with_its_threads(
    options: BuildOptions, monkeypatch: pytest.MonkeyPatch
) -> None:
    def stopped(*_arguments: object) -> Iterator[object]:
        raise KeyboardInterrupt
        yield

    torch.set_num_threads(2)
    with monkeypatch.context() as patched:
        patched.setattr(LocalExecutor, "execute", stopped)
        with pytest.raises(KeyboardInterrupt):
            compute(options)
    torch.set_num_threads(1)
    only = options.model_copy(update={"analyses": ("choice",)})
    compute(only, progress=SILENT)
    store = Store(options.runs / "tiny")
    assert store.read_plan().threads == 2
    assert store.read_run().environment.threads == 2
    compute(only.model_copy(update={"threads": 1}))
    assert store.read_plan().threads == 1


def test_workers_share_out_the_machine_s_threads(tmp_path: Path) -> None:
    store = Store(tmp_path)
    torch.set_num_threads(8)
    for sharers, wanted in ((2, 4), (3, 2), (16, 1)):
        with planned_threads(store, None, SILENT, sharers=sharers):
            assert torch.get_num_threads() == wanted
        with planned_threads(store, 5, SILENT, sharers=sharers):
            assert torch.get_num_threads() == 5
    store.write_plan(RunPlan(parts=(), threads=8))
    with planned_threads(store, None, SILENT, sharers=2):
        assert torch.get_num_threads() == 8, "what was planned comes out the same by any number of workers"
    assert BuildOptions(models=("i3d",), workers=3).sharers == 3
    assert BuildOptions(models=("i3d",), workers=3, executor="slurm").sharers == 1
