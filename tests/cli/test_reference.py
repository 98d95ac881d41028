"""`--reference DIR`: kernels are judged against the clips of a folder, whatever is among its files."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from reportgen.records.answers.registry import answer_models
from reportgen.records.jobs import Done
from reportgen.records.manifest import SCHEMA_VERSION
from reportgen.records.store import Store
from tests.children import Finished, reportgen
from tests.schemas import faults_of_run

pytestmark = pytest.mark.slow

ANALYSES = "evidence,kernels,motion"


def build(folder: Path, zoo: Path, *more: str) -> Finished:
    words = ("--preset", "quick", "--untrained", "--model", "tiny", "--zoo", zoo, "--analyses", ANALYSES)
    return reportgen("build", *words, *more, cwd=folder)


def write_clip(path: Path, seed: int) -> None:
    rng = np.random.default_rng(seed)
    path.parent.mkdir(parents=True, exist_ok=True)
    frames = [Image.fromarray(rng.integers(0, 255, (16, 16, 3), np.uint8)) for _ in range(6)]
    frames[0].save(path, save_all=True, append_images=frames[1:], duration=100)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("reference")
    for seed in range(12):
        write_clip(root / "clips" / ("down" if seed % 2 else "unnamed") / f"clip{seed}.gif", seed)
    (root / "clips" / "broken.mp4").write_bytes(b"\0" * 64)
    (root / "clips" / "notes.txt").write_text("these are mine")
    return root


@pytest.fixture(scope="module")
def built(folder: Path, tiny_zoo: Path) -> Store:
    done = build(folder, tiny_zoo, "--reference", "clips")
    assert done.returncode == 0, done.stderr
    return Store(folder / "runs" / "tiny")


def evidence(store: Store) -> dict[str, Any]:
    (record,) = store.manifest().of("evidence")
    assert isinstance(record.outcome, Done)
    return record.outcome.answer


def test_all_clips_are_measured_and_what_cannot_be_read_is_told(built: Store) -> None:
    found = evidence(built)
    # The clip that the card's generator shows is evidence too.
    assert (found["clips"], found["unreadable"], found["labelled"]) == (13, 2, 7)
    (record,) = built.manifest().of("evidence")
    assert isinstance(record.outcome, Done)
    assert "2 of the reference clips could not be read" in record.outcome.notes[0]
    page = (built.folder.parents[1] / "site" / "tiny" / "audit.html").read_text(encoding="utf-8")
    assert "2 more could not be read" in page


def test_its_documents_keep_to_their_schemas(built: Store) -> None:
    assert faults_of_run(built.folder) == []
    assert built.manifest().of("motion")


def test_only_the_clips_beside_kernels_have_pictures(built: Store) -> None:
    run = built.manifest().run
    reference = [clip for clip in run.clips if clip.reference]
    assert 0 < len(reference) <= 12
    assert all(clip.poster and built.path(clip.poster).is_file() for clip in reference)
    assert run.options["reference"] == "clips"
    kernel = next((built.folder.parents[1] / "site" / "tiny" / "first").glob("0*.html")).read_text(encoding="utf-8")
    assert "rg-mark" in kernel
    assert "13 reference clips (2 more could not be read)" in kernel


@pytest.mark.long
def test_nothing_is_computed_twice_until_a_file_changes(built: Store, folder: Path, tiny_zoo: Path) -> None:
    before = {record.key for record in built.manifest().records}
    assert build(folder, tiny_zoo, "--reference", "clips").returncode == 0
    assert {record.key for record in built.manifest().records} == before
    write_clip(folder / "clips" / "down" / "clip1.gif", 99)
    assert build(folder, tiny_zoo, "--reference", "clips").returncode == 0
    changed = {record.job.analysis for record in built.manifest().records if record.key not in before}
    assert "evidence" in changed


def test_a_folder_without_clips_is_refused(tmp_path: Path, tiny_zoo: Path) -> None:
    (tmp_path / "empty").mkdir()
    done = build(tmp_path, tiny_zoo, "--reference", "empty")
    assert done.returncode not in (0, 1)
    assert "holds no files" in done.stderr


def test_every_answer_of_a_real_run_is_its_model_s(built: Store) -> None:
    models = answer_models()
    answered = [record for record in built.manifest().records if isinstance(record.outcome, Done)]
    assert {record.job.analysis for record in answered} == {"choice", *ANALYSES.split(",")}
    for record in answered:
        assert isinstance(record.outcome, Done)
        record.outcome.read(models[record.job.analysis])


def test_a_run_of_another_version_is_computed_anew_and_says_so(folder: Path, tiny_zoo: Path, built: Store) -> None:
    path = built.folder / "run.json"
    path.write_text(json.dumps({"schema_version": 1, "of": "another form"}), encoding="utf-8")
    words = ("--preset", "quick", "--untrained", "--model", "tiny", "--zoo", tiny_zoo, "--analyses", "motion")
    again = reportgen("compute", *words, "--reference", "clips", cwd=folder)
    assert again.returncode == 0, again.stderr
    assert "was written by another version of reportgen: it is computed anew" in again.stderr
    assert Store(built.folder).read_run().schema_version == SCHEMA_VERSION
