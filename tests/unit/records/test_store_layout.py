"""Where records, media and lists lie: no folder grows large, and what a folder from elsewhere holds is not believed."""

from __future__ import annotations

import hashlib
from collections import Counter
from pathlib import Path

import pytest

from benchmarks.campaign.store import answer, measured, planned, write_header
from reportgen.commands.status import status
from reportgen.errors import StoreError
from reportgen.records.documents import document_text
from reportgen.records.jobs import Job, content_key
from reportgen.records.layout import clip_folder, media_folder, old_record_name, record_name, renamed
from reportgen.records.plan import PlannedJob, RunPlan
from reportgen.records.store import Store
from reportgen.records.written import list_name, lists_in
from reportgen.runner.claims.claims import place_of
from reportgen.runner.executors.worker_log import log_path

MOST = 4096
JOBS = 100_000


def test_no_folder_of_a_hundred_thousand_jobs_is_large() -> None:
    keys = [hashlib.sha256(b"%d" % n).hexdigest()[:20] for n in range(JOBS)]
    places = Counter(record_name(key).rpartition("/")[0] for key in keys)
    places.update(media_folder("kernels", key).rpartition("/")[0] for key in keys)
    places.update(clip_folder(key).rpartition("/")[0] for key in keys)
    for key in keys[: JOBS // 4]:  # of workers there are fewer
        places.update([list_name(key[:8]).rpartition("/")[0], log_path(key).rpartition("/")[0]])
    for key in keys:  # each job a chunk of its own: taken, and done
        places[place_of(key)[0]] += 2
    places.update({folder.rpartition("/")[0]: 1 for folder in list(places)})
    assert len(places) > 256
    assert max(places.values()) < MOST


@pytest.mark.long
@pytest.mark.timeout(1200)
def test_a_hundred_thousand_records_are_planned_told_and_read_in_a_minute_each(tmp_path: Path) -> None:
    small, large = measured(JOBS // 10, tmp_path / "a"), measured(JOBS, tmp_path / "b")
    assert large["largest folder"] < MOST
    for what in ("plan", "write plan", "read plan", "status", "read for rendering"):
        assert large[what] < 60
        assert large[what] < 15 * max(small[what], 0.1), f"{what} is not linear: {small[what]} s, {large[what]} s"


@pytest.fixture
def run(tmp_path: Path) -> Store:
    """A run of three jobs."""
    plan = planned(3)
    store = write_header(tmp_path / "large", plan)
    store.write_plan(plan.stored(1))
    for job in plan.jobs():
        answer(store, job)
    return store


@pytest.mark.long
def test_a_run_of_the_layout_before_is_read_and_goes_on_in_the_new_one(run: Store) -> None:
    keys = run.read_run().plan
    for key in keys:
        (run.folder / record_name(key)).rename(run.folder / old_record_name(key))
    for folder in {(run.folder / record_name(key)).parent for key in keys}:
        if not any(folder.iterdir()):  # the header's own records may begin with the same two digits
            folder.rmdir()
    header = run.read_run().model_copy(update={"schema_version": 3})
    run.write_run(header)
    assert set(keys) <= run.keys()
    assert [record.key for record in Store(run.folder).manifest().records] == list(keys)
    assert status(run.folder)[-1].left == 0
    again = run.record(keys[0])
    assert again is not None
    run.add(again)  # computed again: it is the one that counts, and the other is ours to remove
    assert run.record_file(keys[0]) == record_name(keys[0])
    run.prune(keys)
    assert len(Store(run.folder).manifest().records) == 3
    run.remove()
    assert not run.folder.exists()


@pytest.mark.slow
def test_names_from_a_folder_are_not_believed(run: Store, tmp_path: Path) -> None:
    key = run.read_run().plan[0]
    before = run.keys()
    records = run.folder / "records"
    (records / "zz").mkdir()
    (records / "zz" / f"{key}.json").write_text("{}")  # not where it belongs
    (records / "zz" / "zz evil.json").write_text("{}")
    (records / "zz" / "..json").write_text("{}")
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "yy123.json").write_text("{}")
    (records / "yy").symlink_to(outside)
    assert run.keys() == before
    with pytest.raises(StoreError, match="is a link"):
        run.record("yy123")
    (run.folder / "written").mkdir(exist_ok=True)
    (outside / "yy123456.txt").write_text("../../secret\n")
    (run.folder / "written" / "yy").symlink_to(outside)
    (run.folder / "written" / "ab").mkdir()
    (run.folder / "written" / "ab" / "cd123456.txt").write_text("run.json\n")
    assert lists_in(run.folder) == {"written.txt"}


def test_a_plan_says_once_what_its_jobs_share_and_comes_back_as_it_was(tmp_path: Path) -> None:
    def job(number: int, **own: object) -> Job:
        shared = {"steps": 96, "deep": {"a": [1, 2.0]}, "work": None}
        inputs = {"weights": "w" * 64, "clip": f"{number}"}
        return Job(
            analysis="kernels", version=3, unit=f"u/{number}", parameters={**shared, **own}, seed=1, inputs=inputs
        )

    jobs = [job(0, x=1), job(1, x=1.0), job(2, x=True), job(3), Job(**{**job(4).model_dump(), "analysis": "pyramid"})]
    jobs[3] = jobs[3].model_copy(update={"needs": (jobs[0].key,)})
    given = [PlannedJob(job=one, chunk=f"kernels/{n % 2}") for n, one in enumerate(jobs)]
    given[2] = given[2].model_copy(update={"inapplicable": "it has none"})
    store = Store(tmp_path)
    store.write_plan(RunPlan.of(given, 2))
    kept = store.read_plan()
    assert list(kept.jobs) == given
    assert [one.job.key for one in kept.jobs] == [one.key for one in jobs]
    assert (tmp_path / "plan.json").read_text().count("w" * 64) == 2
    old = {"jobs": [one.model_dump(mode="json") for one in given], "threads": 2}
    assert list(RunPlan.model_validate(old).jobs) == given
    (tmp_path / "plan.json").write_text(document_text(kept).replace('"chunk": 1', '"chunk": 7'))
    with pytest.raises(StoreError, match="damaged"):
        store.read_plan()


def test_a_changed_job_has_another_key() -> None:
    one = Job(analysis="kernels", version=1, unit="a", parameters={}, seed=0, inputs={})
    key = one.key
    assert one.model_copy(update={"seed": 1}).key != key
    assert one.model_copy().key == key
    assert one == Job(analysis="kernels", version=1, unit="a", parameters={}, seed=0, inputs={})


def test_a_copy_under_another_name_does_not_keep_the_beginning_of_the_old_one() -> None:
    old, new = content_key("old"), content_key("new")
    assert renamed(f"{media_folder('kernels', old)}/a.png", old, new) == f"{media_folder('kernels', new)}/a.png"
    assert renamed(f"{clip_folder('cam')}/a.png", "cam", "clip-1") == f"{clip_folder('clip-1')}/a.png"
    assert renamed(f"media/kernels/{old}/a.png", old, new) == f"media/kernels/{new}/a.png"
