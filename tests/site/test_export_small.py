"""An archive that must be small: what a reader misses least goes first, what went is listed, every page stays whole."""

from __future__ import annotations

import html
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from sample_run import FRAMES, LAYERS, SampleRun

from reportgen.commands.export import export
from reportgen.errors import OptionError, RenderError
from reportgen.exports.base import ExportRequest
from reportgen.exports.reducing import Reduction, reduced_report, steps
from reportgen.exports.stills import with_stills
from reportgen.exports.zip_archive import ZipArchive
from reportgen.media.encode import coarser_picture, sprite_bytes, still_bytes
from reportgen.pages.links import broken_links
from reportgen.pages.report import Report
from reportgen.pages.strips import clip_strip
from reportgen.pictures import opened_picture
from reportgen.progress import SILENT
from reportgen.records.jobs import Artifact, Done
from reportgen.records.manifest import Manifest
from reportgen.records.root_digest import read_root
from reportgen.records.store import Store

pytestmark = pytest.mark.slow

PART = [f"drift/{LAYERS[0]}"]


@pytest.fixture(scope="module")
def whole(sample_runs: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return export(sample_runs, "zip", to=tmp_path_factory.mktemp("whole") / "report.zip", select=PART)


def unpacked(archive: Path, folder: Path) -> Path:
    with zipfile.ZipFile(archive) as file:
        file.extractall(folder)
    return folder / "report"


def pages(folder: Path) -> set[str]:
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*.html")}


class Small(SampleRun):
    """A run of few kernels, whose pictures are much of its archive."""

    kernels = 2


@pytest.fixture(scope="module")
def small_report(tmp_path_factory: pytest.TempPathFactory) -> Report:
    run = Small(tmp_path_factory.mktemp("small") / "drift", "drift", "Drift", seed=0)
    run.write()
    return Report.of([run.store])


def request(report: Report, scratch: Path, most: int) -> ExportRequest:
    """A report whose site is its front page in a sentence and the files of its runs, which takes no time to write."""

    def render(shown: Report, folder: Path, meanwhile: Callable[[], object]) -> Path:
        meanwhile()
        for file in (file for model in shown.models for file in model.files()):
            (folder / file.uri).parent.mkdir(parents=True, exist_ok=True)
            (folder / file.uri).write_bytes(file.source.read_bytes())
        (folder / "index.html").write_text(" ".join(shown.left_out) or "whole")
        return folder

    scratch.mkdir()
    return ExportRequest(report, scratch, render, max_size=most)


def front(archive: Path) -> str:
    with zipfile.ZipFile(archive) as file:
        return file.read("report/index.html").decode()


@pytest.mark.long
def test_the_first_step_that_fits_is_taken(small_report: Report, tmp_path: Path) -> None:
    target = tmp_path / "report.zip"
    ZipArchive().write(request(small_report, tmp_path / "a", 10**9), target)
    assert front(target) == "whole"
    whole = target.stat().st_size
    ZipArchive().write(request(small_report, tmp_path / "b", whole - 1), target)
    assert target.stat().st_size < whole
    assert front(target) == " ".join(Reduction(20).sentences())


def test_a_budget_below_the_least_report_tells_its_size(small_report: Report, tmp_path: Path) -> None:
    target = tmp_path / "report.zip"
    with pytest.raises(RenderError, match=r"least archive of this report has") as caught:
        ZipArchive().write(request(small_report, tmp_path / "a", 1000), target)
    least = int(str(caught.value).partition("(")[2].partition(" bytes")[0].replace(",", ""))
    ZipArchive().write(request(small_report, tmp_path / "b", least), target)
    assert target.stat().st_size == least
    assert front(target) == " ".join(steps(small_report)[-1].sentences())


def test_a_smaller_copy_is_a_sound_run_that_says_what_it_is_without(small_report: Report, tmp_path: Path) -> None:
    smaller = reduced_report(small_report, Reduction(10, moving=1), tmp_path, SILENT)
    (model,), (before,) = smaller.models, small_report.models
    assert model.manifest.trouble is None
    assert smaller.left_out == tuple(Reduction(10, moving=1).sentences())
    assert [record.key for record in model.manifest.records] == [record.key for record in before.manifest.records]
    assert all(
        new.bytes <= old.bytes
        for new, old in zip(pictures_of(model.manifest), pictures_of(before.manifest), strict=True)
    )


def pictures_of(manifest: Manifest) -> list[Artifact]:
    done = [record.outcome for record in manifest.records if isinstance(record.outcome, Done)]
    return [one for outcome in done for one in outcome.artifacts if one.kind in ("clip", "heat")]


def test_the_first_kernels_of_each_layer_move_and_the_others_are_still_pictures(small_report: Report) -> None:
    (model,) = small_report.models
    manifest = with_stills(model.manifest, 1)
    for record in manifest.of("kernels"):
        if not isinstance(record.outcome, Done):
            continue
        stage1 = record.outcome.artifact("stage1", "clip")
        assert stage1
        assert stage1.is_sprite == (record.job.unit.endswith("/0000"))
        shown = clip_strip(model.addresses, record.outcome, "stage1", "it")
        assert shown
        assert shown.frames == (FRAMES if stage1.is_sprite else 1)
        assert shown.uri.endswith(".avif" if stage1.is_sprite else "_poster.avif")
    nothing = with_stills(model.manifest, 0)
    assert not any(one.is_sprite for one in pictures_of(nothing) if one.role in ("overlay", "stage1", "reconstruction"))
    assert all(clip.clip and not clip.clip.is_sprite for clip in nothing.run.clips)
    assert with_stills(model.manifest, None) == model.manifest


@pytest.mark.long
def test_a_smaller_report_says_so_and_keeps_every_page(whole: Path, sample_runs: Path, tmp_path: Path) -> None:
    most = whole.stat().st_size - 1
    archive = export(sample_runs, "zip", to=tmp_path / "small.zip", select=PART, max_size=most)
    assert archive.stat().st_size <= most
    site, before = unpacked(archive, tmp_path / "small"), unpacked(whole, tmp_path / "whole")
    assert pages(site) == pages(before)
    assert not list(broken_links(site))
    listed = (site / "left-out.txt").read_text().splitlines()
    assert any(line.startswith("- ") for line in listed)
    front = html.unescape((site / "index.html").read_text())
    assert all(line.removeprefix("- ") in front for line in listed if line.startswith("- "))
    assert read_root(site) != read_root(before)
    assert not (before / "left-out.txt").exists()


@pytest.mark.long
def test_the_least_size_is_enough(sample_runs: Path, tmp_path: Path) -> None:
    with pytest.raises(RenderError) as caught:
        export(sample_runs, "zip", to=tmp_path / "none.zip", max_size="1kB")
    assert not list(tmp_path.iterdir())
    least = int(str(caught.value).partition("(")[2].partition(" bytes")[0].replace(",", ""))
    archive = export(sample_runs, "zip", to=tmp_path / "least.zip", max_size=least)
    assert archive.stat().st_size == least
    site = unpacked(archive, tmp_path / "least")
    assert not list(broken_links(site))
    assert not list(site.rglob("records/*/*.json"))
    assert list(site.rglob("0000.html"))


@pytest.mark.parametrize("given", ["much", "0MB", "-3GB", "12 apples", 0])
def test_a_size_that_is_none_is_refused(given: str | int, sample_runs: Path, tmp_path: Path) -> None:
    with pytest.raises(OptionError, match="`max_size"):
        export(sample_runs, "zip", to=tmp_path / "x.zip", max_size=given)


def test_a_size_is_of_archives(sample_runs: Path, tmp_path: Path) -> None:
    with pytest.raises(OptionError, match="`max_size"):
        export(sample_runs, "csv", to=tmp_path / "x", max_size="1MB")


def test_each_step_loses_more_than_the_one_before(sample_runs: Path) -> None:
    found = steps(Report.of([Store(sample_runs / "drift")]))
    told = [tuple(step.sentences()) for step in found]
    assert all(told)
    assert len(set(told)) == len(told)
    moving = [step.moving for step in found if step.moving is not None]
    assert moving == sorted(moving, reverse=True)
    assert moving[-1] == 0


def test_a_coarser_picture_shows_the_same_pattern(tmp_path: Path) -> None:
    stripes = np.zeros((64, 64, 3), np.uint8)
    stripes[:, ::4], stripes[:, 1::4] = 255, 255
    path = tmp_path / "stripes.avif"
    path.write_bytes(still_bytes(stripes))
    coarse = tmp_path / "coarse.avif"
    coarse.write_bytes(coarser_picture(path, 20))
    with opened_picture(coarse) as picture:
        found = picture.frame(0).astype(float)
    assert found.shape == stripes.shape
    assert found[:, ::4].mean() - found[:, 2::4].mean() > 200


def test_a_picture_keeps_its_alpha(tmp_path: Path) -> None:
    frames = np.zeros((2, 16, 16, 4), np.uint8)
    frames[0, ..., 3], frames[1, ..., :3], frames[1, ..., 3] = 40, 200, 255
    path = tmp_path / "sprite.avif"
    path.write_bytes(sprite_bytes(frames))
    path.write_bytes(coarser_picture(path, 35))
    with opened_picture(path) as picture:
        found = picture.transparent()
    assert abs(int(found[8, 8, 3]) - 40) < 6
    assert found[8, 24, 3] > 250
