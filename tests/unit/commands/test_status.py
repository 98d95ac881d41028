"""How far a run is, told from its folder alone."""

from __future__ import annotations

import json
import os
import time
from pathlib import Path

import pytest

from reportgen.cli.tables import status_table
from reportgen.commands.status import status
from reportgen.errors import StoreError
from reportgen.records.jobs import Done, Failed, Job, Outcome, Record, Skipped, Spent
from reportgen.records.layout import record_name
from reportgen.records.plan import PlannedJob, RunPlan
from reportgen.records.store import PLAN_FILE, RUN_FILE, Store
from reportgen.runner.claims.claims import Claim, Claims
from reportgen.runner.claims.files import ClaimFolder
from reportgen.runner.costs.observed import record_headers


def job(number: int) -> Job:
    return Job(analysis="kernels", version=1, unit=f"tiny/first/{number:04d}", parameters={}, seed=0, inputs={})


@pytest.fixture
def store(tmp_path: Path) -> Store:
    """A run of ten jobs: six done, one a minute, one failed, one skipped, two left."""
    store = Store(tmp_path / "tiny")
    jobs = [job(number) for number in range(10)]
    store.folder.mkdir()
    (store.folder / RUN_FILE).write_text("{}")  # that there is one is all that is asked
    store.write_plan(RunPlan.of((PlannedJob(job=one, chunk="kernels/first") for one in jobs), 1))
    outcomes: list[Outcome] = [Done()] * 6 + [Failed(message="no", error="E"), Skipped(reason="none")]
    for minute, (one, outcome) in enumerate(zip(jobs, outcomes, strict=False)):
        spent = Spent(seconds=30, finished=f"2026-01-01T00:{minute:02d}:00+00:00")
        store.add(Record(job=one, outcome=outcome, spent=spent))
    return store


def test_jobs_are_counted_and_the_end_is_told_by_the_rate(store: Store) -> None:
    claims = Claims(ClaimFolder(store.folder, "claims"), "w", time.monotonic)
    claims.take("kernels/a", 0)
    ended = claims.take("kernels/b", 0)
    assert isinstance(ended, Claim)
    claims.end(ended)
    kernels, whole = status(store.folder)
    assert (kernels.jobs, kernels.done, kernels.failed, kernels.skipped, kernels.left) == (10, 6, 1, 1, 2)
    assert kernels.seconds == 240
    assert whole.held == 1
    assert whole.per_hour == pytest.approx(8 / 7 * 60)
    assert whole.hours_left == pytest.approx(2 / (8 / 7 * 60))


@pytest.mark.parametrize("skew", [-3, 3])
def test_the_rate_is_that_of_one_clock_where_those_of_workers_are_hours_apart(store: Store, skew: int) -> None:
    for minute, one in enumerate(map(job, range(8))):
        path = store.file(record_name(one.key))
        if minute % 2:
            path.write_text(path.read_text().replace("T00:", f"T{skew % 24:02d}:"))
        os.utime(path, (0, 1e9 + 60 * minute))
    assert status(store.folder)[-1].per_hour == pytest.approx(8 / 7 * 60)


def test_a_damaged_record_counts_as_left(store: Store) -> None:
    store.file(record_name(job(0).key)).write_text("{")
    assert status(store.folder)[-1].left == 3


@pytest.mark.parametrize(
    ("field", "value"), [("finished", "yesterday"), ("finished", "2026-01-01T00:00:00"), ("seconds", float("nan"))]
)
def test_a_record_with_an_impossible_time_counts_as_left(store: Store, field: str, value: object) -> None:
    path = store.file(record_name(job(0).key))
    record = json.loads(path.read_text())
    record["spent"][field] = value
    path.write_text(json.dumps(record))
    assert status(store.folder)[-1].left == 3


@pytest.mark.parametrize("seconds", [-1, float("nan"), float("inf")])
def test_a_record_with_impossible_seconds_tells_nothing_of_costs(store: Store, seconds: float) -> None:
    path = store.file(record_name(job(0).key))
    record = json.loads(path.read_text())
    record["spent"]["seconds"] = seconds
    path.write_text(json.dumps(record))
    assert record_headers(store, (job(number).key for number in range(8))).keys() == {
        job(number).key for number in range(1, 8)
    }


def test_a_record_that_goes_while_it_is_looked_at_counts_as_left(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    files = store.record_files()
    gone = store.file(record_name(job(0).key))
    gone.unlink()
    monkeypatch.setattr(Store, "record_files", lambda _store: files)
    assert status(store.folder)[-1].left == 3
    assert job(0).key not in record_headers(store, files)


def test_a_run_whose_plan_is_damaged_hides_no_other(store: Store) -> None:
    other = store.folder.with_name("other")
    other.mkdir()
    (other / RUN_FILE).write_text("{}")
    (other / PLAN_FILE).write_text("{")
    first, *rows = status(store.folder.parent)
    assert (first.run, first.analysis, first.jobs) == ("other", "all", 0)
    assert "plan.json is damaged" in (first.fault or "")
    assert [row.fault for row in rows] == [None, None]
    assert f"other: {first.fault}" in status_table([first, *rows])
    with pytest.raises(StoreError, match="damaged"):
        status(other)


def test_a_run_that_has_begun_is_told_before_it_has_a_header(store: Store) -> None:
    (store.folder / RUN_FILE).unlink()
    assert status(store.folder.parent)[-1].done == 6
    assert status(store.folder)[-1].done == 6


def test_without_runs_it_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match=r"reportgen.compute\(\)"):
        status(tmp_path)
