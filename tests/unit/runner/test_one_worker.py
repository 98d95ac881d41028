"""A worker by hand that cannot be one of a run's is told what to do before anything is loaded."""

from __future__ import annotations

from pathlib import Path

import pytest

from reportgen.config.options import BuildOptions
from reportgen.errors import OptionError, ReportgenError, StoreError
from reportgen.progress import SILENT
from reportgen.records.plan import RunPlan
from reportgen.records.store import RUN_FILE, Store
from reportgen.runner.executors.claiming import ClaimingExecutor
from reportgen.runner.one_worker import work_at


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
