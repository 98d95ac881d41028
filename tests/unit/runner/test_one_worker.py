"""A worker by hand that cannot be one of a run's is told what to do before anything is loaded."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import cast

import pytest

from reportgen.config.options import BuildOptions
from reportgen.errors import OptionError, ReportgenError, StoreError
from reportgen.progress import SILENT
from reportgen.records.jobs import Job
from reportgen.records.plan import PlannedJob, RunPlan
from reportgen.records.store import RUN_FILE, Store
from reportgen.runner.executors.claiming import ClaimingExecutor
from reportgen.runner.one_worker import _check_part, work_at
from reportgen.runner.plan import Plan


@pytest.fixture
def run(tmp_path: Path) -> Path:
    """A run that was planned with two threads."""
    store = Store(tmp_path / "runs" / "tiny")
    store.folder.mkdir(parents=True)
    store.write_plan(RunPlan.of([], 2))
    (store.folder / RUN_FILE).write_text("{}")
    return store.folder


def refusal(run: Path, kind: type[ReportgenError], **asked: object) -> str:
    with pytest.raises(kind) as caught:
        work_at(run, BuildOptions(**asked), ClaimingExecutor(), SILENT)  # type: ignore[arg-type]
    return str(caught.value)


def test_where_nothing_is_planned_it_says_what_plans(run: Path) -> None:
    assert "holds no run: `reportgen.compute()` plans a run" in refusal(run.parent, StoreError)
    assert "holds no run" in refusal(run.parent / "none", StoreError)
    (run / RUN_FILE).unlink()  # its kernels are being chosen
    assert "is not planned yet" in refusal(run, StoreError)


def test_it_is_at_one_network(run: Path) -> None:
    assert "give `models` once" in refusal(run, OptionError, models=("tiny", "other"))


def test_it_does_not_change_the_threads_of_the_plan(run: Path) -> None:
    said = refusal(run, OptionError, models=("tiny",), threads=4)
    assert "planned with 2 threads" in said
    assert "leave `threads=4` out" in said
    assert Store(run).read_plan().threads == 2


@pytest.mark.parametrize(
    ("asked", "why"),
    [
        ({"version": 3}, "(by another version of reportgen: its kernels is 2, this one's 3)"),
        ({"parameters": {"steps": 7, "count": 3}}, "(planned with another value of steps)"),
        ({"inputs": {"clip": "b", "weights": "w"}}, "(planned for another clip)"),
        ({"unit": "tiny/first/0002"}, "kernels of tiny/first/0002: give"),
    ],
)
def test_what_tells_its_jobs_from_those_of_the_plan_is_named(run: Path, asked: dict[str, object], why: str) -> None:
    planned = Job(
        analysis="kernels",
        version=2,
        unit="tiny/first/0001",
        parameters={"steps": 6, "count": 3},
        seed=0,
        inputs={"clip": "a", "weights": "w"},
    )
    store = Store(run)
    store.write_plan(RunPlan.of([PlannedJob(job=planned, chunk="kernels/first")], 1))
    asked_plan = cast("Plan", SimpleNamespace(jobs=lambda: [planned.model_copy(update=asked)]))
    with pytest.raises(OptionError) as caught:
        _check_part(store, asked_plan)
    assert "was planned without 1 job that these options ask for" in str(caught.value)
    assert why in str(caught.value)
