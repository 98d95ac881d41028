"""The store: nothing half-written is ever seen, and what is kept is read back as it was."""

from __future__ import annotations

import errno
import hashlib
import json
import os
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from reportgen.errors import StoreError
from reportgen.records.card import ClipSpec, ModelCard
from reportgen.records.files import atomic_path, write_text
from reportgen.records.finding import find_runs
from reportgen.records.jobs import Artifact, Done, Failed, Job, Record, Skipped, Spent, content_key
from reportgen.records.layout import record_name
from reportgen.records.manifest import Environment, Run, WeightsFacts
from reportgen.records.plan import PlannedJob, RunPlan
from reportgen.records.store import Store


def job(**changes: object) -> Job:
    fields = {
        "analysis": "counting",
        "version": 1,
        "unit": "tiny/first/0001",
        "parameters": {"steps": 8},
        "seed": 0,
        "inputs": {"weights": "abc"},
    }
    return Job.model_validate({**fields, **changes})


def record(of: Job, outcome: Done | Skipped | Failed) -> Record:
    return Record(job=of, outcome=outcome, spent=Spent(seconds=1.5, finished="2026-01-01T00:00:00+00:00"))


def picture(path: str) -> Artifact:
    """A file that holds the word picture."""
    digest = hashlib.sha256(b"picture").hexdigest()
    return Artifact(role="x", kind="image", path=path, media_type="image/png", sha256=digest, bytes=7)


def run(*plan: str) -> Run:
    clip = ClipSpec(frames=4, height=8, width=8, mean=(0, 0, 0), std=(1, 1, 1))
    environment = Environment(reportgen="0", python="3", torch="2", numpy="2", platform="test", device="cpu", threads=1)
    return Run(
        model="tiny",
        card=ModelCard(name="tiny", title="Tiny", clip=clip),
        weights=WeightsFacts(sha256="abc"),
        environment=environment,
        plan=plan,
        started="2026-01-01T00:00:00+00:00",
    )


@pytest.mark.parametrize(
    "change",
    [
        {"version": 2},
        {"seed": 1},
        {"parameters": {"steps": 9}},
        {"inputs": {"weights": "abd"}},
        {"needs": ("x",)},
        {"unit": "tiny/first/0002"},
        {"analysis": "saliency"},
    ],
)
def test_every_part_of_a_question_changes_its_key(change: dict[str, object]) -> None:
    assert job(**change).key != job().key


@settings(suppress_health_check=[HealthCheck.too_slow])  # of a busy machine, not of the test
@given(st.dictionaries(st.text(), st.integers() | st.text() | st.none(), min_size=2))
def test_the_key_does_not_depend_on_the_order_of_parameters(values: dict[str, object]) -> None:
    assert content_key(values) == content_key(dict(reversed(values.items())))


@pytest.mark.parametrize(
    "outcome", [Done(answer={"psnr": 41.5}), Skipped(reason="no clip"), Failed(message="x", error="Y")]
)
def test_a_record_is_read_back_as_it_was(tmp_path: Path, outcome: Done | Skipped | Failed) -> None:
    kept = record(job(), outcome)
    Store(tmp_path).add(kept)
    assert Store(tmp_path).record(kept.key) == kept


@given(st.data())
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow], max_examples=60)
def test_no_digit_or_letter_of_a_document_changes_unseen(tmp_path: Path, data: st.DataObject) -> None:
    store = Store(tmp_path)
    kept = record(job(parameters={"rate": 0.125, "words": "äb"}), Done(answer={"psnr": 41.5, "off": float("nan")}))
    store.add(kept)
    store.write_run(run(kept.key))
    store.write_plan(RunPlan.of([PlannedJob(job=kept.job, chunk="x")], 1))
    path = store.file(data.draw(st.sampled_from(["run.json", "plan.json", record_name(kept.key)])))
    text = path.read_text(encoding="utf-8")
    at = data.draw(st.sampled_from([n for n, character in enumerate(text) if character.isalnum()]))
    path.write_text(text[:at] + chr(ord(text[at]) ^ 1) + text[at + 1 :], encoding="utf-8")
    if path.name == "run.json":
        with pytest.raises(StoreError):
            store.manifest()
    elif path.name == "plan.json":
        with pytest.raises(StoreError):
            store.read_plan()
    else:
        assert store.record(kept.key) is None
        assert Store(tmp_path).manifest().damaged == (kept.key,)


def test_a_record_whose_artifact_is_gone_is_no_answer(tmp_path: Path) -> None:
    store = Store(tmp_path)
    artifact = picture("media/x.png")
    kept = record(job(), Done(artifacts=(artifact,)))
    write_text(store.path(artifact), "picture")
    store.add(kept)
    assert store.record(kept.key) == kept
    store.path(artifact).unlink()
    assert store.record(kept.key) is None


def test_an_error_while_writing_leaves_the_old_file_and_no_other(tmp_path: Path) -> None:
    path = tmp_path / "file.txt"
    write_text(path, "old")
    with pytest.raises(ValueError, match="half"), atomic_path(path) as temporary:
        temporary.write_text("new, but ha")
        raise ValueError("half")
    assert path.read_text() == "old"
    assert [entry.name for entry in tmp_path.iterdir()] == ["file.txt"]


def test_a_full_disk_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match=r"no space left.*free some"), atomic_path(tmp_path / "file.txt"):
        raise OSError(errno.ENOSPC, "No space left on device")
    assert not list(tmp_path.iterdir())


def test_a_damaged_record_is_no_answer_and_stops_pruning(tmp_path: Path) -> None:
    store = Store(tmp_path)
    kept = record(job(), Done())
    store.add(kept)
    path = tmp_path / record_name(kept.key)
    path.write_text(path.read_text()[:-20])
    assert store.record(kept.key) is None
    with pytest.raises(StoreError, match="damaged"):
        store.prune([kept.key])


def test_a_run_of_another_schema_is_refused(tmp_path: Path) -> None:
    store = Store(tmp_path)
    store.write_run(run())
    path = tmp_path / "run.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), "schema_version": 99}))
    with pytest.raises(StoreError, match="schema 99"):
        store.read_run()
    with pytest.raises(StoreError, match="later version of reportgen"):
        store.check_not_newer()
    path.write_text(json.dumps({**json.loads(path.read_text()), "schema_version": 1}))
    store.check_not_newer()  # what earlier versions wrote is computed again


def test_a_link_in_the_place_of_records_is_told_and_not_taken_for_none(tmp_path: Path) -> None:
    store = Store(tmp_path / "run")
    store.add(record(job(), Done()))
    (store.folder / "records").rename(tmp_path / "elsewhere")
    (store.folder / "records").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(StoreError, match="is a link, and may lead anywhere"):
        store.keys()


def test_the_manifest_holds_the_plan_in_order_and_nothing_else(tmp_path: Path) -> None:
    store = Store(tmp_path)
    kept = [record(job(seed=seed), Done(answer={"seed": seed})) for seed in range(4)]
    for one in kept:
        store.add(one)
    store.write_run(run(kept[2].key, "missing", kept[0].key))
    assert store.manifest().records == (kept[2], kept[0])
    store.write_run(run(kept[2].key, kept[0].key, kept[2].key))
    assert store.manifest().records == (kept[2], kept[0])


def test_pruning_keeps_the_plan_s_records_and_their_media(tmp_path: Path) -> None:
    store = Store(tmp_path)
    kept = []
    for seed in range(2):
        path = f"media/{seed}.png"
        write_text(tmp_path / path, "picture")
        artifact = picture(path)
        kept.append(record(job(seed=seed), Done(artifacts=(artifact,))))
        store.add(kept[-1])
    store.write_run(run(kept[0].key))
    files, size = store.prune(store.read_run().plan)
    assert (files, size > 0) == (2, True)
    assert sorted(path.name for path in tmp_path.rglob("*.png")) == ["0.png"]
    assert store.manifest().records == (kept[0],)


def test_a_run_that_was_moved_is_not_begun_anew_in_its_place(tmp_path: Path) -> None:
    store = Store(tmp_path / "run")
    store.add(record(job(), Skipped(reason="none")))
    (tmp_path / "run").rename(tmp_path / "elsewhere")
    with pytest.raises(StoreError, match="was moved or removed while it was being computed"):
        store.add(record(job(seed=1), Skipped(reason="none")))
    assert [path.name for path in tmp_path.iterdir()] == ["elsewhere"]


def test_finding_no_run_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match=r"reportgen.compute\(\)"):
        find_runs(tmp_path)


def test_runs_are_found_in_folders_of_folders(tmp_path: Path) -> None:
    for place in ("a", "group/b", "group/inner/c", "group/inner/c/media/none", ".hidden/d", "1/2/3/4/deep"):
        (tmp_path / place).mkdir(parents=True)
        (tmp_path / place / "run.json").write_text("{}")
    (tmp_path / "link").symlink_to(tmp_path / "group")
    found = [store.folder.relative_to(tmp_path).as_posix() for store in find_runs(tmp_path)]
    assert found == ["a", "group/b", "group/inner/c"]
    with pytest.raises(StoreError, match="no runs"):
        find_runs(tmp_path / "1" / "2" / "3" / "nothing")


def test_a_device_or_a_pipe_is_no_place_for_a_file(tmp_path: Path) -> None:
    """Root may move a file over `/dev/null`, which then is none for anybody any more."""
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "folder").mkdir()
    for place in ("pipe", "folder"):
        with pytest.raises(StoreError, match="name a file"):
            write_text(tmp_path / place, "text")
    assert (tmp_path / "pipe").is_fifo()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["folder", "pipe"]
