"""Runs that arrive damaged: what is damaged is shown as such, computed again, and ends neither a build nor a render."""

from __future__ import annotations

import re
import shutil
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from reportgen.audit.checks import checks
from reportgen.commands.check import check, require
from reportgen.errors import CheckError, ReportgenError, StoreError
from reportgen.pages.registry import all_pages
from reportgen.pages.report import Report
from reportgen.records import documents
from reportgen.records.jobs import Done, Failed
from reportgen.records.layout import record_name
from reportgen.records.plan import PlannedJob, RunPlan
from reportgen.records.store import Store
from tests.damage import spoil
from tests.documents import edit

pytestmark = pytest.mark.slow

CASES = [*range(6), *(pytest.param(seed, marks=pytest.mark.long) for seed in range(6, 50))]


@pytest.fixture
def run(sample_runs: Path, tmp_path: Path) -> Store:
    """A run with its plan, as compute leaves it."""
    store = Store(Path(shutil.copytree(sample_runs / "drift", tmp_path / "runs" / "drift")))
    jobs = tuple(PlannedJob(job=one.job, chunk="x") for one in store.manifest().records)
    store.write_plan(RunPlan.of(jobs, 2))
    return Store(store.folder)


def pages(store: Store) -> list[str]:
    """Return the addresses of all pages, each with its content made."""
    report = Report.of([Store(store.folder)])
    for model in report.models:
        checks(model, None)
    return [page.uri for page in all_pages(report)]


def first_done(store: Store, analysis: str) -> str:
    return next(one.key for one in store.manifest().of(analysis) if isinstance(one.outcome, Done))


DAMAGES = ["gone", "cut off", "exchanged", "a digit", "no digest", "no JSON", "another's", "no answer"]


@pytest.mark.parametrize(
    "damage", [*DAMAGES[:4], *(pytest.param(one, marks=pytest.mark.long) for one in (*DAMAGES[4:], "another document"))]
)
def test_one_damaged_record_is_shown_as_damaged_and_computed_again(run: Store, damage: str) -> None:
    key = first_done(run, "pyramid" if damage == "another document" else "kernels")
    record = run.record(key)
    assert record is not None
    assert isinstance(record.outcome, Done)
    picture = run.path(record.outcome.artifacts[0])
    path = run.file(record_name(key))
    if damage == "gone":
        picture.unlink()
    elif damage == "cut off":
        picture.write_bytes(picture.read_bytes()[:-1])
    elif damage == "exchanged":
        picture.write_bytes(picture.read_bytes()[:-1] + bytes([picture.read_bytes()[-1] ^ 1]))
    elif damage == "no JSON":
        path.write_text(path.read_text()[:-20])
    elif damage == "a digit":
        path.write_text(re.sub(r'("activation": \d*)', r"\g<1>1", path.read_text()))
    elif damage == "no digest":
        path.write_text(re.sub(r'"digest": .*', "", path.read_text()))
    elif damage == "another's":
        edit(path, lambda content: content["job"].update(seed=99))
    elif damage == "no answer":
        edit(path, lambda content: content["outcome"].update(answer={"activation": "high"}))
    else:
        next(path for path in map(run.path, record.outcome.artifacts) if path.name == "graph.json").write_text("{}")
    store = Store(run.folder)
    assert store.record(key) is None
    shown = {one.key: one.outcome for one in store.manifest().records}
    assert len(shown) == len(store.read_run().plan)
    assert [one.error for one in shown.values() if isinstance(one, Failed)].count("Damaged") == 1
    (words,) = [one.why for one in Report.of([store]).models[0].troubles() if one.why.startswith("Damaged")]
    assert "compute" in words
    pages(run)
    with pytest.raises(CheckError, match="1 of its records is damaged"):
        require(check(run.folder))


def test_a_damaged_record_is_told_where_no_plan_says_what_it_was_of(run: Store) -> None:
    key = first_done(run, "kernels")
    run.file(record_name(key)).write_text("{}")
    run.file("plan.json").write_text("{}")
    pages(run)
    with pytest.raises(CheckError, match="1 of its records is damaged"):
        require(check(run.folder))


def test_a_record_that_is_gone_fails_the_check(run: Store) -> None:
    run.file(record_name(first_done(run, "kernels"))).unlink()
    with pytest.raises(CheckError, match="1 of its jobs has no record"):
        require(check(run.folder))


def test_a_header_that_was_changed_is_refused_in_a_sentence(run: Store) -> None:
    path = run.file("run.json")
    path.write_text(path.read_text().replace('"threads": 2', '"threads": 3'))
    with pytest.raises(StoreError, match=r"run\.json is damaged .*compute again\.$"):
        pages(run)


@pytest.mark.parametrize(
    "change",
    [
        lambda header: header["clips"][0].update(height=0),
        lambda header: header["clips"][0].update(frames=-5),
        lambda header: header["layers"][0].update(kernels=-1),
    ],
)
def test_a_header_whose_numbers_make_no_sense_is_refused_in_a_sentence(
    run: Store, change: Callable[[dict[str, Any]], None]
) -> None:
    edit(run.file("run.json"), change)
    with pytest.raises(StoreError, match=r"run\.json is damaged \((clips|layers)\.0.*greater than or equal"):
        pages(run)


def test_a_document_of_great_length_is_not_read(run: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(documents, "LONGEST", 1000)
    with pytest.raises(StoreError, match=r"run\.json is damaged \(0 MiB, and no document has more"):
        pages(run)


def test_a_plan_of_a_great_many_jobs_that_are_not_there_is_read_at_once(run: Store) -> None:
    edit(run.file("run.json"), lambda header: header["plan"].extend(f"k{number}" for number in range(100_000)))
    begun = time.process_time()
    assert Store(run.folder).manifest().records
    assert time.process_time() - begun < 10


def test_a_damaged_picture_of_a_clip_is_left_out(run: Store) -> None:
    facts = run.read_run().clips[0]
    assert facts.poster is not None
    run.path(facts.poster).write_bytes(b"x")
    assert Store(run.folder).manifest().run.clips[0].poster is None
    pages(run)


def test_a_run_that_was_not_finished_fails_the_check(run: Store) -> None:
    run.write_run(run.read_run().model_copy(update={"finished": None}))
    with pytest.raises(CheckError, match="was not finished"):
        require(check(run.folder))


@pytest.mark.parametrize("seed", CASES)
def test_random_damage_ends_in_pages_or_one_sentence(run: Store, seed: int) -> None:
    spoil(run.folder, seed)
    try:
        assert pages(run)
    except ReportgenError as error:
        sentence = str(error)
    else:
        return
    assert sentence.endswith(".")
    assert "\n" not in sentence
