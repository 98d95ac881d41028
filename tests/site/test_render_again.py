"""A site that is rendered again after a change is, byte for byte, the one that is rendered as a whole."""

from __future__ import annotations

import hashlib
import json
import random
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from benchmarks.site.runs import write_large
from reportgen.commands.render import render
from reportgen.pages import layer
from reportgen.pages.census import measured_kernels as measured
from reportgen.records.jobs import Done, Record
from reportgen.records.layout import record_name
from reportgen.records.root_digest import SUMS, seal
from reportgen.records.store import Store
from reportgen.site_reuse import Reuse

pytestmark = pytest.mark.slow

KERNELS, VISUALISED = 320, 4
SHARD = "docs/large/stage003.conv/kernels-0.js"


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a run of some hundred kernels, and the site of it, rendered once."""
    folder = tmp_path_factory.mktemp("again")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("REPORTGEN_CACHE", str(folder / "cache"))
        write_large(folder / "runs", KERNELS, VISUALISED)
        _rendered(folder)
    return folder


@pytest.fixture
def folder(written: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The same folder, whose memory is found; each test leaves a site that was rendered from its run."""
    monkeypatch.setenv("REPORTGEN_CACHE", str(written / "cache"))
    return written


def _rendered(folder: Path, **how: Any) -> Path:
    return render(folder / "runs", folder / "site", build_dir=folder / "build", **how).parent


def _files(site: Path) -> dict[str, bytes]:
    return {path.relative_to(site).as_posix(): path.read_bytes() for path in site.rglob("*") if path.is_file()}


def _same_as_whole(folder: Path) -> None:
    """Render the folder's run again, then as a whole, and compare every byte."""
    again = _files(_rendered(folder))
    whole = _files(_rendered(folder, fresh=True))
    assert again.keys() == whole.keys()
    assert [path for path, content in whole.items() if again[path] != content] == []


@pytest.fixture
def anew(monkeypatch: pytest.MonkeyPatch) -> set[str]:
    """The files of the build folder that were written anew since."""
    found: set[str] = set()
    write = Reuse.write

    def noted(self: Reuse, path: str, key: str, place: Path, writer: Callable[[Path], None]) -> None:
        def wrote(to: Path) -> None:
            found.add(path)
            writer(to)

        write(self, path, key, place, wrote)

    monkeypatch.setattr(Reuse, "write", noted)
    return found


def _store(folder: Path) -> Store:
    return Store(folder / "runs" / "large")


def _kernels(folder: Path) -> list[Record]:
    return [record for record in _store(folder).manifest().of("kernels") if isinstance(record.outcome, Done)]


def _with_answer(record: Record, **told: Any) -> Record:
    assert isinstance(record.outcome, Done)
    outcome = record.outcome.model_copy(update={"answer": {**record.outcome.answer, **told}})
    return record.model_copy(update={"outcome": outcome})


def test_one_changed_kernel_writes_its_own_layer_and_what_shows_all_layers(
    folder: Path, anew: set[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []
    monkeypatch.setattr(layer, "measured_kernels", lambda model, name: asked.append(name) or measured(model, name))
    _store(folder).add(_with_answer(_kernels(folder)[0], activation=11.5))
    edited = folder / "site" / "large" / "stage002.conv" / "kernels.html"
    edited.write_bytes(edited.read_bytes().replace(b"stage002", b"stage999"))
    _rendered(folder)
    assert "docs/large/stage000.conv/kernels-0.js" in anew
    others = ("stage003.conv/kernels.md", "stage003.conv/index.md", "stage003.conv/0079.md", "motion.md")
    assert not {SHARD, *(f"docs/large/{page}" for page in others)} & anew
    assert asked == ["stage000.conv"]
    assert b"stage999" not in edited.read_bytes()
    _same_as_whole(folder)


@pytest.mark.long
@pytest.mark.parametrize(
    ("place", "old", "new"),
    [
        ("site/large/stage003.conv/kernels.html", b"stage003", b"stage999"),
        ("site/index.html", b"kernels", b"kernelz"),
        (f"build/{SHARD}", b"reportPacked", b"reportPackeD"),
        ("build/docs/large/stage003.conv/kernels.md", b"stage003", b"stage999"),
    ],
)
def test_what_somebody_edited_is_never_kept(folder: Path, place: str, old: bytes, new: bytes) -> None:
    path = folder / place
    content = path.read_bytes()
    assert old in content
    path.write_bytes(content.replace(old, new))
    if place.startswith("site"):  # as somebody would who wants it believed
        seal(folder / "site")
        assert hashlib.sha256(path.read_bytes()).hexdigest() in (folder / "site" / SUMS).read_text("utf-8")
    _store(folder).add(_with_answer(_kernels(folder)[1], activation=float(len(place))))
    _rendered(folder)
    assert new not in path.read_bytes()
    _same_as_whole(folder)


@pytest.mark.long
def test_a_memory_that_was_changed_or_is_not_ours_alone_is_not_used(folder: Path, anew: set[str]) -> None:
    (memory,) = (folder / "cache").iterdir()
    store, record = _store(folder), _kernels(folder)[2]
    harms: tuple[Callable[[Path], object], ...] = (
        _edited,
        lambda path: path.chmod(0o666),
        lambda path: path.write_bytes(b"[]"),
    )
    for number, harm in enumerate(harms):
        harm(memory)
        store.add(_with_answer(record, activation=20.0 + number))
        anew.clear()
        _rendered(folder)
        assert SHARD in anew
        (memory,) = (folder / "cache").iterdir()
    _same_as_whole(folder)


def _edited(memory: Path) -> None:
    digest, _, content = memory.read_bytes().partition(b"\n")
    memory.write_bytes(digest + b"\n" + content.replace(b'"best":[', b'"best":[7', 1))


@pytest.mark.long
def test_a_site_without_memory_is_rendered_as_a_whole(
    folder: Path, anew: set[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("REPORTGEN_CACHE", str(tmp_path / "file"))
    (tmp_path / "file").write_text("in the way of a folder", "utf-8")
    _store(folder).add(_with_answer(_kernels(folder)[3], activation=3.25))
    _rendered(folder)
    assert SHARD in anew
    monkeypatch.setenv("REPORTGEN_CACHE", str(folder / "cache"))
    _same_as_whole(folder)


CHANGES: dict[str, Callable[[Path, random.Random], None]] = {}


def _change(make: Callable[[Path, random.Random], None]) -> Callable[[Path, random.Random], None]:
    CHANGES[make.__name__.strip("_")] = make
    return make


@_change
def _a_number_of_any_record(folder: Path, chance: random.Random) -> None:
    store = _store(folder)
    done = [(record, record.outcome) for record in store.manifest().records if isinstance(record.outcome, Done)]
    record, outcome = chance.choice([(record, outcome) for record, outcome in done if list(_numbers(outcome.answer))])
    answer = json.loads(json.dumps(outcome.answer))
    numbers = list(_numbers(answer))
    holder, key = chance.choice(numbers)
    holder[key] = holder[key] * chance.choice((0.5, 0.97, 1.5)) + 0.001
    store.add(record.model_copy(update={"outcome": outcome.model_copy(update={"answer": answer})}))


def _numbers(value: Any) -> Any:
    """Yield the places of all floating-point numbers in plain data: what holds each, and its key there."""
    pairs = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, inner in list(pairs):
        if isinstance(inner, float):
            yield value, key
        else:
            yield from _numbers(inner)


@_change
def _a_kernel_of_another_speed(folder: Path, chance: random.Random) -> None:
    found = [record for record in _store(folder).manifest().of("decomposition") if isinstance(record.outcome, Done)]
    _store(folder).add(_with_answer(chance.choice(found), mean_speed=chance.uniform(0, 3), explained_variance=0.5))


@_change
def _a_record_is_gone(folder: Path, chance: random.Random) -> None:
    record = chance.choice([*_store(folder).manifest().of("decomposition"), *_kernels(folder)])
    (folder / "runs" / "large" / record_name(record.key)).unlink()


@_change
def _a_record_is_damaged(folder: Path, chance: random.Random) -> None:
    path = folder / "runs" / "large" / record_name(chance.choice(_kernels(folder)).key)
    path.write_bytes(path.read_bytes().replace(b'"activation": ', b'"activation": 1', 1))


@_change
def _a_picture_is_damaged(folder: Path, chance: random.Random) -> None:
    store = _store(folder)
    record = chance.choice(_kernels(folder))
    assert isinstance(record.outcome, Done)
    path = store.path(chance.choice(record.outcome.artifacts))
    path.write_bytes(path.read_bytes()[:-1] + b"!")


@_change
def _a_job_is_no_longer_planned(folder: Path, chance: random.Random) -> None:
    store = _store(folder)
    run = store.read_run()
    gone = chance.choice(_kernels(folder)).key
    store.write_run(run.model_copy(update={"plan": tuple(key for key in run.plan if key != gone)}))


@_change
def _the_run_was_made_at_another_time(folder: Path, chance: random.Random) -> None:
    store = _store(folder)
    run = store.read_run()
    environment = run.environment.model_copy(update={"device": f"machine {chance.random()}"})
    told = {"started": "2026-01-02T03:04:05Z", "finished": "2026-01-03T03:04:05Z", "seconds": chance.uniform(1, 999)}
    store.write_run(run.model_copy(update={"environment": environment, **told}))


@_change
def _an_option_is_another(folder: Path, chance: random.Random) -> None:
    store = _store(folder)
    run = store.read_run()
    store.write_run(run.model_copy(update={"options": {**run.options, "objective": f"option {chance.random()}"}}))


@_change
def _a_clip_shows_the_pictures_of_another(folder: Path, chance: random.Random) -> None:
    store = _store(folder)
    run = store.read_run()
    one, other = chance.sample(range(len(run.clips)), 2)
    clips = list(run.clips)
    clips[one] = clips[one].model_copy(update={"clip": clips[other].clip, "poster": clips[other].poster})
    store.write_run(run.model_copy(update={"clips": tuple(clips)}))


@_change
def _a_kernel_is_deleted(folder: Path, chance: random.Random) -> None:
    store = _store(folder)
    run = store.read_run()
    unit = chance.choice(_kernels(folder)).job.unit
    gone = {record.key for record in store.manifest().records if record.job.unit == unit}
    store.write_run(run.model_copy(update={"plan": tuple(key for key in run.plan if key not in gone)}))


@_change
def _a_kernel_that_others_feed_is_another(folder: Path, chance: random.Random) -> None:
    """A kernel's page has the cards of those of other layers that feed it, with what they respond to."""
    found = [one for one in _store(folder).manifest().of("decomposition") if "stage003" in one.job.unit]
    told = {"direction_degrees": chance.uniform(0, 360), "mean_speed": chance.uniform(1, 3)}
    _store(folder).add(_with_answer(chance.choice(found), explained_variance=0.9, **told))


@_change
def _a_clip_has_another_title(folder: Path, chance: random.Random) -> None:
    store = _store(folder)
    run = store.read_run()
    clips = list(run.clips)
    place = chance.randrange(len(clips))
    clips[place] = clips[place].model_copy(update={"title": f"another {chance.random()}"})
    store.write_run(run.model_copy(update={"clips": tuple(clips)}))


@pytest.fixture
def spared(folder: Path, tmp_path: Path) -> Iterator[Path]:
    """The folder, whose run is as it was again after the test."""
    before = shutil.copytree(folder / "runs", tmp_path / "runs")
    yield folder
    shutil.rmtree(folder / "runs")
    shutil.copytree(before, folder / "runs")


@pytest.mark.long
@pytest.mark.parametrize("seed", range(2))
@pytest.mark.parametrize("kind", CHANGES)
def test_after_any_change_all_bytes_are_those_of_a_whole_render(spared: Path, kind: str, seed: int) -> None:
    _rendered(spared)
    CHANGES[kind](spared, random.Random(f"{kind} {seed}"))
    _same_as_whole(spared)
