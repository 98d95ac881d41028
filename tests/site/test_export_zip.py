"""The report as one archive, and the published set of GIFs."""

from __future__ import annotations

import os
import zipfile
from pathlib import Path

import pytest
from sample_run import FRAMES, LAYERS, SampleRun

from reportgen.commands.export import export
from reportgen.errors import RenderError
from reportgen.exports.archive import write_archive
from reportgen.pages.links import broken_links
from reportgen.pictures import opened_picture

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def archive(sample_runs: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return export(sample_runs, "zip", to=tmp_path_factory.mktemp("zip") / "report.zip")


def test_the_archive_holds_the_site_in_one_folder(archive: Path, sample_site: Path, tmp_path: Path) -> None:
    with zipfile.ZipFile(archive) as file:
        assert file.testzip() is None
        file.extractall(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["report"]
    found = {path.relative_to(tmp_path / "report") for path in tmp_path.rglob("*") if path.is_file()}
    site = {path.relative_to(sample_site) for path in sample_site.rglob("*") if path.is_file()}
    assert found == {path for path in site if not path.name.startswith(".")}
    assert not list(broken_links(tmp_path / "report"))


def test_equal_files_give_equal_bytes_whenever_they_were_written(tmp_path: Path) -> None:
    for folder, names in ((tmp_path / "a", ("x.html", "b/y.png")), (tmp_path / "b", ("b/y.png", "x.html"))):
        for number, name in enumerate(names):
            path = folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(f"content of {name}")
            path.chmod(0o600 + number)
            os.utime(path, (number, number))
        write_archive(folder, folder.with_suffix(".zip"))
    assert (tmp_path / "a.zip").read_bytes() == (tmp_path / "b.zip").read_bytes()


@pytest.mark.long
def test_equal_runs_give_equal_bytes(sample_runs: Path, archive: Path, tmp_path: Path) -> None:
    again = export(sample_runs, "zip", to=tmp_path / "other name.zip")
    assert again.read_bytes() == archive.read_bytes()


def test_entries_tell_neither_time_nor_owner_nor_order(archive: Path) -> None:
    with zipfile.ZipFile(archive) as file:
        entries = file.infolist()
        assert not file.comment
    assert [entry.filename for entry in entries] == sorted(entry.filename for entry in entries)
    for entry in entries:
        assert entry.date_time == (1980, 1, 1, 0, 0, 0)
        assert entry.external_attr >> 16 == 0o100644
        assert not entry.extra
        assert not entry.comment
        stored = entry.filename.endswith((".avif", ".webp", ".png", ".npz", ".gz"))
        assert entry.compress_type == (zipfile.ZIP_STORED if stored else zipfile.ZIP_DEFLATED)


def test_gifs_have_the_published_names_and_all_frames(sample_runs: Path, tmp_path: Path) -> None:
    folder = export(sample_runs / "drift", "gifs", to=tmp_path / "gifs", select=[f"drift/{LAYERS[0]}"])
    found = sorted(path.name for path in folder.iterdir() if not path.name.startswith("."))
    kernels = {name.rpartition("_")[0] for name in found}
    assert f"drift_{LAYERS[0].replace('.', '_')}_7" in kernels
    for name in kernels:
        assert {f"{name}_{kind}.gif" for kind in ("stage1", "deform", "recon")} <= set(found)
    assert len(found) == 3 * len(kernels)
    with opened_picture(folder / f"drift_{LAYERS[0].replace('.', '_')}_7_stage1.gif") as picture:
        assert (picture.count, picture.height, picture.width) == (FRAMES, 24, 24)
    with opened_picture(folder / f"drift_{LAYERS[0].replace('.', '_')}_7_deform.gif") as picture:
        assert (picture.height, picture.width) == (24, 48)


@pytest.mark.long
def test_two_layers_whose_published_names_are_one_lose_no_gif(tmp_path: Path) -> None:
    class Alike(SampleRun):
        kernels = 1

    run = Alike(tmp_path / "runs", "drift", "Drift", seed=0)
    run.write()
    store, done = run.store, next(r for r in run.records if r.job.analysis == "kernels")
    twin = done.model_copy(update={"job": done.job.model_copy(update={"unit": "drift/stem_conv/0000"})})
    store.add(twin)
    header = store.read_run()
    store.write_run(header.model_copy(update={"plan": (*header.plan, twin.key)}))
    folder = export(tmp_path / "runs", "gifs", to=tmp_path / "gifs", select=["drift/stem*"])
    assert {path.name for path in folder.glob("drift_stem_conv_0*_stage1.gif")} == {
        "drift_stem_conv_0_stage1.gif",
        "drift_stem_conv_0-2_stage1.gif",
    }


def test_without_kernels_there_are_no_gifs(sample_runs: Path, tmp_path: Path) -> None:
    with pytest.raises(RenderError, match="kernels"):
        export(sample_runs / "drift", "gifs", to=tmp_path / "gifs", select=["drift/tennis"])
    assert not list(tmp_path.iterdir())
