"""An archive that must be small: what a reader misses least goes first, what went is listed, every page stays whole."""

from __future__ import annotations

import html
import zipfile
from pathlib import Path

import numpy as np
import pytest
from sample_run import LAYERS, SampleRun

from reportgen.commands.export import export
from reportgen.errors import OptionError, RenderError
from reportgen.exports.base import ExportRequest
from reportgen.exports.reducing import steps
from reportgen.exports.zip_archive import ZipArchive
from reportgen.media.encode import frames_of, smaller_picture, sprite_bytes
from reportgen.pages.links import broken_links
from reportgen.pages.report import Report
from reportgen.pictures import opened_picture
from reportgen.records.root_digest import read_root
from reportgen.records.store import Store

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


def stand_in(scratch: Path, most: int) -> ExportRequest:
    """A report of one page and four pictures, whose site takes no time."""
    noise = np.random.default_rng(0).integers(0, 255, (8, 24, 24, 3), np.uint8)

    def render(report: Report, folder: Path) -> Path:
        folder.mkdir()
        (folder / "index.html").write_text(" ".join(report.extras.left_out) or "whole")
        for number in range(4):
            (folder / f"{number}.avif").write_bytes(sprite_bytes(noise))
        return folder

    scratch.mkdir()
    return ExportRequest(Report(), scratch, render, max_size=most)


def test_the_first_step_that_fits_is_taken(tmp_path: Path) -> None:
    target = tmp_path / "report.zip"
    ZipArchive().write(stand_in(tmp_path / "a", 10**9), target)
    whole = target.stat().st_size
    for number, (share, quality) in enumerate(((0.95, 50), (0.4, 35))):
        ZipArchive().write(stand_in(tmp_path / f"b{number}", int(share * whole)), target)
        assert target.stat().st_size <= share * whole
        with zipfile.ZipFile(target) as file:
            assert f"of quality {quality}:" in file.read("report/index.html").decode()


def test_a_budget_below_the_least_report_tells_its_size(tmp_path: Path) -> None:
    target = tmp_path / "report.zip"
    with pytest.raises(RenderError, match=r"least archive of this report has") as caught:
        ZipArchive().write(stand_in(tmp_path / "a", 1000), target)
    least = int(str(caught.value).partition("(")[2].partition(" bytes")[0].replace(",", ""))
    ZipArchive().write(stand_in(tmp_path / "b", least), target)
    assert target.stat().st_size == least
    with pytest.raises(RenderError):
        ZipArchive().write(stand_in(tmp_path / "c", least - 1), target)


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
    assert not list(site.rglob("records/*.json"))
    assert list(site.rglob("0000.html"))


@pytest.mark.parametrize("given", ["much", "0MB", "-3GB", "12 apples"])
def test_a_size_that_is_none_is_refused(given: str, sample_runs: Path, tmp_path: Path) -> None:
    with pytest.raises(OptionError, match="--max-size"):
        export(sample_runs, "zip", to=tmp_path / "x.zip", max_size=given)


def test_a_size_is_of_archives(sample_runs: Path, tmp_path: Path) -> None:
    with pytest.raises(OptionError, match="--max-size"):
        export(sample_runs, "csv", to=tmp_path / "x", max_size="1MB")


def test_each_step_loses_more_than_the_one_before(sample_runs: Path) -> None:
    found = steps(Report.of([Store(sample_runs / "drift")]))
    told = [tuple(step.sentences()) for step in found]
    assert all(told)
    assert len(set(told)) == len(told)
    kernels = [step.kernels for step in found if step.kernels]
    assert kernels == sorted(kernels, reverse=True)
    assert kernels[-1] == 1


def test_fewer_kernels_are_the_first_of_each_layer_with_all_their_answers(tmp_path: Path) -> None:
    run = SampleRun(tmp_path / "drift", "drift", "Drift", seed=0)
    run.write()
    manifest = run.store.manifest().with_kernels(2)
    units = {record.job.unit for record in manifest.of("kernels")}
    assert units == {f"drift/{layer}/{index:04d}" for layer in LAYERS for index in (0, 7)}
    assert {record.job.unit for record in manifest.of("decomposition")} == units
    assert len(manifest.of("pyramid")) == len(run.store.manifest().of("pyramid"))
    assert manifest.run.plan == tuple(record.key for record in manifest.records)


def test_a_smaller_sprite_has_the_same_frames_in_the_same_places(tmp_path: Path) -> None:
    levels = np.arange(1, 12, dtype=np.uint8) * 20
    frames = np.broadcast_to(levels[:, None, None, None], (11, 20, 30, 3))
    path = tmp_path / "sprite.avif"
    path.write_bytes(sprite_bytes(np.ascontiguousarray(frames)))
    path.write_bytes(smaller_picture(path, 50, frames=(11, 20, 30), smaller=2))
    found = frames_of(path, 11, 10, 15)
    assert np.abs(found.mean(axis=(1, 2, 3)) - levels).max() < 4


def test_a_picture_keeps_its_alpha(tmp_path: Path) -> None:
    frames = np.zeros((2, 16, 16, 4), np.uint8)
    frames[0, ..., 3], frames[1, ..., :3], frames[1, ..., 3] = 40, 200, 255
    path = tmp_path / "sprite.avif"
    path.write_bytes(sprite_bytes(frames))
    path.write_bytes(smaller_picture(path, 35))
    with opened_picture(path) as picture:
        found = picture.transparent()
    assert abs(int(found[8, 8, 3]) - 40) < 6
    assert found[8, 24, 3] > 250
