"""`--concept NAME=DIR`: kernels are tested on the pictures and clips of a folder, whatever is among its files."""

from __future__ import annotations

import csv
import json
import shutil
from html import unescape
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from reportgen.commands.compute import compute
from reportgen.config.options import BuildOptions
from reportgen.errors import ClipError, OptionError
from reportgen.records.answers.concepts import ConceptAnswer
from reportgen.records.jobs import Done
from reportgen.records.store import Store
from tests.children import Finished, reportgen
from tests.schemas import faults_of_run

pytestmark = pytest.mark.slow

ANALYSES = ("evidence", "kernels", "concepts")
HOSTILE = "<i>{{7*7}}</i> | *x*"
CONCEPTS = ("red=red", f"{HOSTILE}=one <b> picture.png", "torn=torn")


def build(folder: Path, zoo: Path, *more: str) -> Finished:
    words = ("--preset", "quick", "--untrained", "--model", "tiny", "--zoo", zoo, "--analyses", ",".join(ANALYSES))
    concepts = [word for concept in CONCEPTS for word in ("--concept", concept)]
    return reportgen("build", *words, "--reference", "clips", *concepts, *more, cwd=folder)


def pixels(seed: int, count: int = 1) -> list[Image.Image]:
    rng = np.random.default_rng(seed)
    return [Image.fromarray(rng.integers(0, 255, (16, 16, 3), np.uint8)) for _ in range(count)]


def write_clip(path: Path, seed: int) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    first, *others = pixels(seed, 6)
    first.save(path, save_all=True, append_images=others, duration=100)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("concepts")
    for seed in range(12):
        write_clip(root / "clips" / f"clip{seed}.gif", seed)
    for seed in range(5):
        write_clip(root / "red" / f"moving{seed}.gif", 100 + seed)
        pixels(200 + seed)[0].save(root / "red" / f"still{seed}.png")
    shutil.copy(root / "clips" / "clip3.gif", root / "red" / "of the reference.gif")
    shutil.copy(root / "red" / "still0.png", root / "red" / "again.png")
    (root / "red" / "broken.mp4").write_bytes(b"\0" * 64)
    pixels(300)[0].save(root / "one <b> picture.png")
    (root / "torn").mkdir()
    (root / "torn" / "a.png").write_bytes(b"\x89PNG\r\n")
    return root


@pytest.fixture(scope="module")
def built(folder: Path, tiny_zoo: Path) -> Store:
    done = build(folder, tiny_zoo)
    assert done.returncode == 22, done.stderr  # nothing of "torn" can be read
    return Store(folder / "runs" / "tiny")


def answers(store: Store) -> dict[str, tuple[ConceptAnswer, Done]]:
    done = [record.outcome for record in store.manifest().of("concepts") if isinstance(record.outcome, Done)]
    return {answer.concept: (answer, outcome) for outcome in done for answer in [outcome.read(ConceptAnswer)]}


def test_what_is_compared_is_counted_and_what_is_left_out_is_said(built: Store) -> None:
    answer, done = answers(built)["red"]
    # Pictures are a clip each, repeated over time; the one that is there twice counts once.
    assert (answer.clips, answer.still, answer.repeated, answer.unreadable) == (11, 5, 1, 1)
    # Of 12 files and the generator's clip, the one that the concept has too is left out.
    assert (answer.reference, answer.shared, answer.labelled) == (12, 1, 0)
    silent = [layer for layer, found in answer.layers.items() if None in found.p]
    assert silent == ["classifier"], "classes that are below the mean of all logits on every clip"
    assert answer.tested == answer.kernels - sum(p is None for p in answer.layers["classifier"].p) > 0
    assert "1 reference clip is also a clip of the concept" in " ".join(done.notes)
    assert "1 of the concept's files could not be read" in " ".join(done.notes)
    assert faults_of_run(built.folder) == []


def test_one_picture_is_shown_and_not_tested(built: Store) -> None:
    answer, done = answers(built)[HOSTILE]
    assert (answer.clips, answer.still, answer.tested) == (1, 1, 0)
    assert "a test needs 5 clips of the concept and 5 reference clips, and there are 1 and 13" in " ".join(done.notes)
    assert all(p is None for layer in answer.layers.values() for p in layer.p)
    pages = sorted((built.folder.parents[1] / "site" / "tiny" / "concepts").glob("*.html"))
    (page,) = [page for page in pages if page.name not in ("index.html", "red.html")]
    text = page.read_text(encoding="utf-8")
    assert "<i>{{7*7}}</i>" not in text
    assert text.count("rg-chart--responses") == len(answer.profiles) > 0


def test_a_concept_of_which_nothing_can_be_read_fails_alone(built: Store) -> None:
    outcomes = {record.job.unit: record.outcome.status for record in built.manifest().of("concepts")}
    assert outcomes == {
        "tiny/concept-red": "done",
        "tiny/concept-i-7-7-i-x": "done",
        "tiny/concept-torn": "failed",
    }
    page = (built.folder.parents[1] / "site" / "tiny" / "concepts" / "index.html").read_text(encoding="utf-8")
    page = unescape(page)
    assert "None of the files of torn (1) can be read" in page


def test_every_kernel_is_in_the_table_to_take_away(built: Store) -> None:
    answer, done = answers(built)["red"]
    (table,) = [artifact for artifact in done.artifacts if artifact.path.endswith(".csv")]
    rows = list(csv.DictReader(built.path(table).read_text(encoding="utf-8").splitlines()))
    assert sorted(int(row["rank"]) for row in rows) == list(range(1, answer.kernels + 1))


@pytest.mark.long
def test_clips_that_stand_on_pages_keep_their_pictures_and_paths_stay_at_home(
    built: Store, folder: Path, tiny_zoo: Path
) -> None:
    before = {record.key for record in built.manifest().of("concepts")}
    assert build(folder, tiny_zoo, "--select", "tiny/first").returncode == 0
    run = built.read_run()
    assert {record.key for record in built.manifest().of("concepts")} == before
    pictured = {clip.name for clip in run.clips if clip.poster and clip.clip}
    for answer, _ in answers(built).values():
        assert set(answer.names) <= pictured
    assert run.options["concepts"] == list(CONCEPTS)
    assert str(folder) not in json.dumps(run.options)


@pytest.fixture
def options(folder: Path, tiny_zoo: Path, tmp_path: Path) -> BuildOptions:
    return BuildOptions(
        models=("tiny",), zoo=(tiny_zoo,), untrained=True, analyses=("concepts",), runs=tmp_path / "runs"
    )


def test_a_folder_that_is_not_there_or_empty_is_refused(options: BuildOptions, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    for name, said in (
        ("nowhere", "There is no folder .*nowhere: check the path of .concepts='wheels'.."),
        (
            "empty",
            "The folder .*empty holds no files: put the clips of .concepts='wheels'. there.",
        ),
    ):
        with pytest.raises(ClipError, match=said):
            compute(options.model_copy(update={"concepts": (f"wheels={tmp_path / name}",)}))


def test_concepts_asked_for_by_name_need_a_folder(options: BuildOptions) -> None:
    with pytest.raises(OptionError, match="name folders of pictures by `concepts`"):
        compute(options)
