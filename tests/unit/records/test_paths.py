"""A run that came from elsewhere reaches its own files and nothing else, and is refused before anything is written."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest
from pydantic import TypeAdapter, ValidationError
from test_store import job, picture, record, run

from reportgen.errors import StoreError
from reportgen.records.card import WeightsSource
from reportgen.records.files import check_writable, remove_listed
from reportgen.records.finding import find_runs
from reportgen.records.identities import slug
from reportgen.records.jobs import Artifact, Done
from reportgen.records.layout import record_name
from reportgen.records.manifest import ClipFacts
from reportgen.records.paths import MediaPath, inside
from reportgen.records.store import Store
from tests.documents import replace_text

OUTSIDE = [
    "/etc/passwd",
    "../x.png",
    "media/../../x.png",
    "media/a/../b.png",
    "media//x.png",
    "./media/x.png",
    "media/x.png/",
    "media\\..\\x.png",
    "C:/media/x.png",
    "media/a\nb.png",
    "media/a\x00.png",
    "media/\u202egnp.x",
    "",
    ".",
    "media",
]
NO_MEDIA = ["run.json", "records/x.json", "index.md", "media/.git/hooks/x", "media/x.MD", "media/x.html", "media/a.svg"]


@pytest.mark.parametrize("path", [*OUTSIDE, *NO_MEDIA])
def test_an_artifact_lies_in_the_media_of_its_run(path: str) -> None:
    with pytest.raises(ValidationError):
        TypeAdapter(MediaPath).validate_python(path)


@pytest.mark.parametrize("path", ["media/x.png", "media/a b/ü, (1).webp", "media/kernels/0a/table.csv"])
def test_any_other_name_is_an_artifact_s(path: str) -> None:
    assert TypeAdapter(MediaPath).validate_python(path) == path


@pytest.mark.parametrize("path", OUTSIDE[:-1])
def test_no_path_leads_outside_whoever_asks(tmp_path: Path, path: str) -> None:
    with pytest.raises(StoreError, match="names a file that it must not"):
        inside(tmp_path, path)


def linked_file(run: Path, outside: Path) -> None:
    (run / "media/x.png").unlink()
    (run / "media/x.png").symlink_to(outside / "secret")


def linked_folder(run: Path, outside: Path) -> None:
    (run / "media").rename(run.parent / "moved")
    (run / "media").symlink_to(run.parent / "moved")


def pipe(run: Path, outside: Path) -> None:
    (run / "media/x.png").unlink()
    os.mkfifo(run / "media/x.png")


def folder(run: Path, outside: Path) -> None:
    (run / "media/x.png").unlink()
    (run / "media/x.png").mkdir()


def dangling(run: Path, outside: Path) -> None:
    (run / "media/x.png").unlink()
    (run / "media/x.png").symlink_to(outside / "nothing")


def loop(run: Path, outside: Path) -> None:
    (run / "media/x.png").unlink()
    (run / "media/x.png").symlink_to("x.png")


def file_for_folder(run: Path, outside: Path) -> None:
    (run / "media/x.png").unlink()
    (run / "media").rmdir()
    (run / "media").write_text("no folder")


HOSTILE = [linked_file, linked_folder, pipe, folder, dangling, loop, file_for_folder]


@pytest.fixture
def store(tmp_path: Path) -> Store:
    """A run with one record and its picture."""
    (tmp_path / "outside").mkdir()
    (tmp_path / "outside/secret").write_text("secret")
    store = Store(tmp_path / "run")
    artifact = picture("media/x.png")
    with store.writing(artifact.path) as temporary:
        temporary.write_text("picture")
    kept = record(job(), Done(artifacts=(artifact,)))
    store.add(kept)
    store.write_run(run(kept.key))
    return store


@pytest.mark.parametrize("spoil", HOSTILE)
def test_what_is_no_file_of_the_run_is_refused_in_one_sentence(
    store: Store, spoil: Callable[[Path, Path], None]
) -> None:
    spoil(store.folder, store.folder.parent / "outside")
    with pytest.raises(StoreError, match=r"media.*: (put|remove)") as refused:
        store.manifest()
    assert refused.value.exit_code == 20


@pytest.mark.parametrize("spoil", HOSTILE)
def test_nothing_is_written_through_what_is_no_file_of_the_run(
    store: Store, spoil: Callable[[Path, Path], None]
) -> None:
    outside = store.folder.parent / "outside"
    spoil(store.folder, outside)
    with pytest.raises(StoreError), store.writing("media/x.png") as temporary:
        temporary.write_text("overwritten")
    assert (outside / "secret").read_text() == "secret"


@pytest.mark.parametrize("name", ["run.json", "records/SHARD/KEY.json", "written.txt"])
def test_documents_that_are_links_or_pipes_are_refused_and_never_waited_for(store: Store, name: str) -> None:
    path = store.folder / name.replace("SHARD", job().key[:2]).replace("KEY", job().key)
    content = path.read_text()
    path.unlink()
    (store.folder.parent / "outside/document").write_text(content)
    for spoil in (lambda: path.symlink_to("../outside/document"), lambda: os.mkfifo(path)):
        spoil()
        with pytest.raises(StoreError, match=r"link|no regular file"):
            (found,) = find_runs(store.folder.parent)
            found.manifest()
            found.prune(())
        path.unlink()


def test_a_clip_s_picture_is_one_of_the_run(store: Store) -> None:
    picture = Artifact(role="p", kind="image", path="media/p.png", media_type="image/png", sha256="0", bytes=1)
    clip = ClipFacts(name="c", title="c", source="c", sha256="0", frames=1, height=1, width=1, poster=picture)
    store.write_run(store.read_run().model_copy(update={"clips": (clip,)}))
    (store.folder / "media/p.png").symlink_to("../../outside/secret")
    with pytest.raises(StoreError, match="is a link"):
        store.manifest()


@pytest.mark.parametrize("key", ["../run", "a/b", "..", "", "x" * 99])
def test_the_plan_names_records_only(store: Store, key: str) -> None:
    path = store.folder / "run.json"
    replace_text(path, job().key, key)
    with pytest.raises(StoreError, match=r"damaged \(plan\.0"):
        store.manifest()


def test_a_record_under_another_s_name_is_damaged(store: Store) -> None:
    other = store.folder / record_name(job(seed=1).key)
    other.parent.mkdir(exist_ok=True)
    (store.folder / record_name(job().key)).rename(other)
    assert store.record(other.stem) is None
    with pytest.raises(StoreError, match="another job's record"):
        store.prune([other.stem])


def test_a_file_of_weights_is_a_bare_name() -> None:
    with pytest.raises(ValidationError, match="no bare file name"):
        WeightsSource(file="a/b.pth")
    with pytest.raises(ValidationError, match="leads outside"):
        WeightsSource(file="../b.pth")


@pytest.mark.parametrize("text", ["..", "/", "a" * 5000, "../../x", ".git", "\ud800" * 300, "\n"])
def test_any_name_becomes_one_that_a_file_system_takes(tmp_path: Path, text: str) -> None:
    name = slug(text)
    (tmp_path / name).mkdir()
    assert not name.startswith(".")
    assert [path.name for path in tmp_path.iterdir()] == [name]


def test_long_names_stay_apart() -> None:
    assert slug("a" * 300) != slug("a" * 301)


def test_pruning_and_removing_leave_what_the_program_did_not_write(store: Store) -> None:
    mine = ["notes.txt", "media/notes.txt", "records/notes.json", "media/sub/x.png"]
    for name in mine:
        (store.folder / name).parent.mkdir(exist_ok=True)
        (store.folder / name).write_text("years of work")
    (store.folder / "media/linked.png").symlink_to("../../outside/secret")
    with store.writing("media/orphan.png") as temporary:  # its job was stopped before it was recorded
        temporary.write_text("orphan")
    (store.folder / "media/.reportgen-part-0000.png").write_text("half")
    assert store.prune(store.read_run().plan)[0] == 2
    assert store.manifest().records
    assert store.prune(())[0] == 2
    store.remove()
    left = {path.relative_to(store.folder).as_posix() for path in store.folder.rglob("*") if not path.is_dir()}
    assert left == {*mine, "media/linked.png"}
    assert (store.folder.parent / "outside/secret").exists()


def test_a_damaged_record_that_is_kept_stops_pruning_before_it_removes(store: Store) -> None:
    path = store.folder / record_name(job().key)
    path.write_text("{")
    with pytest.raises(StoreError, match="damaged"):
        store.prune([job().key])
    assert (store.folder / "media/x.png").exists()


def test_a_list_that_leads_outside_removes_nothing(store: Store) -> None:
    names = ["../outside/secret", str(store.folder.parent / "outside/secret"), "..", "media"]
    assert remove_listed(store.folder, names) == (0, 0)


def test_asking_whether_a_folder_can_be_written_leaves_no_trace(tmp_path: Path) -> None:
    (tmp_path / ".writable").write_text("mine")
    check_writable(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == [".writable"]
