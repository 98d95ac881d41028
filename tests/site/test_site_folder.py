"""What is the user's stays: whatever lies in the site's folder, wherever a render is stopped, however a run is made."""

from __future__ import annotations

import json
import os
import shutil
import signal
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from quick_site import THEIRS, contents, quick_mkdocs, rename

from reportgen.commands.build import build
from reportgen.commands.clean import clean
from reportgen.commands.render import render
from reportgen.config.options import BuildOptions
from reportgen.errors import OptionError, RenderError, StoreError
from reportgen.pages.report import Report
from reportgen.records.finding import find_runs
from reportgen.records.layout import record_name
from reportgen.records.lease import LEASE
from reportgen.records.owned import STAMP, OwnedFolder
from reportgen.site import check_site
from tests.children import run as run_process
from tests.documents import edit, replace_text, write_sealed


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("reportgen.site.begun_mkdocs", quick_mkdocs)


@pytest.fixture
def run(sample_runs: Path, tmp_path: Path) -> Path:
    """A copy of the smaller run that a test may spoil."""
    return Path(shutil.copytree(sample_runs / "plain_net", tmp_path / "runs/plain_net"))


@pytest.mark.slow
@pytest.mark.usefixtures("quick")
def test_other_people_s_files_stay_when_a_site_is_rendered_again_and_cleaned(run: Path, tmp_path: Path) -> None:
    site, build_dir = tmp_path / "site", tmp_path / "build"
    render(run, site, build_dir=build_dir)
    for name in THEIRS:
        (site / name).parent.mkdir(exist_ok=True)
        (site / name).write_text("mine")
    rename(run, "plain_net", "renamed")
    render(run, site, build_dir=build_dir)
    assert (site / "renamed/index.html").is_file()
    assert [path.name for path in (site / "plain_net").iterdir()] == ["notes.txt"], "pages of the old name are gone"
    assert {(site / name).read_text() for name in THEIRS} == {"mine"}
    clean(run.parent, site, everything=True)
    assert set(contents(site)) == set(THEIRS)
    assert not run.exists()


@pytest.mark.slow
@pytest.mark.usefixtures("quick")
def test_a_file_in_the_way_is_refused_before_any_is_moved(run: Path, tmp_path: Path) -> None:
    site, build_dir = tmp_path / "site", tmp_path / "build"
    render(run, site, build_dir=build_dir)
    (site / "renamed").mkdir()
    (site / "renamed/index.html").write_text("mine")
    before = contents(site)
    rename(run, "plain_net", "renamed")
    with pytest.raises(RenderError, match=r"renamed/index\.html is in the way"):
        render(run, site, build_dir=build_dir)
    assert contents(site) == before


@pytest.mark.slow
@pytest.mark.usefixtures("quick")
def test_nothing_is_written_through_a_link_in_the_site(run: Path, tmp_path: Path) -> None:
    site, elsewhere = tmp_path / "site", tmp_path / "elsewhere"
    render(run, site, build_dir=tmp_path / "build")
    elsewhere.mkdir()
    (site / "renamed").symlink_to(elsewhere)
    rename(run, "plain_net", "renamed")
    with pytest.raises(StoreError, match="renamed is a link"):
        render(run, site, build_dir=tmp_path / "build")
    assert not list(elsewhere.iterdir())


@pytest.mark.usefixtures("quick")
def test_a_site_of_an_earlier_version_is_written_over_and_nothing_in_it_removed(run: Path, tmp_path: Path) -> None:
    site = tmp_path / "site"
    site.mkdir()
    (site / STAMP).write_text('{"reportgen": "0.1", "digest": "", "files": ""}')
    (site / "index.html").write_text("old")
    (site / "old.html").write_text("old")
    render(run, site, build_dir=tmp_path / "build")
    assert (site / "index.html").read_text() != "old"
    assert (site / "old.html").read_text() == "old"
    assert "old.html" not in OwnedFolder(site).files


@pytest.mark.slow
@pytest.mark.usefixtures("quick")
def test_changing_a_file_of_the_site_or_its_build_leaves_the_run_as_it_was(run: Path, tmp_path: Path) -> None:
    before = contents(run)
    render(run, tmp_path / "site", build_dir=tmp_path / "build")
    for folder in (tmp_path / "site", tmp_path / "build"):
        for path in folder.rglob("*"):
            if path.is_file():
                path.write_bytes(b"changed in place")
    assert contents(run) == before


@pytest.mark.long
@pytest.mark.usefixtures("quick")
def test_intermediate_files_are_copied_again_when_they_changed_and_only_then(run: Path, tmp_path: Path) -> None:
    site, build_dir = tmp_path / "site", tmp_path / "build"
    render(run, site, build_dir=build_dir)
    copies = sorted((build_dir / "docs/plain_net/media").rglob("*_poster.avif"))
    copies[0].write_bytes(b"changed")
    before = {path: path.stat().st_ino for path in copies}
    (site / "index.html").unlink()
    render(run, site, build_dir=build_dir)
    assert [path for path in copies if path.stat().st_ino != before[path]] == [copies[0]]
    assert copies[0].read_bytes() != b"changed"


def link_media(run: Path) -> None:
    (run / "media").rename(run.parent.parent / "moved")
    (run / "media").symlink_to(run.parent.parent / "moved")


def pipe_header(run: Path) -> None:
    (run / "run.json").unlink()
    os.mkfifo(run / "run.json")


def link_picture(run: Path) -> None:
    picture = next((run / "media/clips").rglob("*_poster.avif"))
    picture.unlink()
    picture.symlink_to("/etc/passwd")


def pipe_record(run: Path) -> None:
    key = json.loads((run / "run.json").read_text())["plan"][0]
    (run / record_name(key)).unlink()
    os.mkfifo(run / record_name(key))


def rewrite(old: str, new: str) -> Callable[[Path], None]:
    def spoil(run: Path) -> None:
        changed = 0
        for path in (run / "run.json", *(run / "records").rglob("*.json")):
            changed += replace_text(path, old, new)
        assert changed

    return spoil


HOSTILE = {
    "path that climbs": rewrite('"path": "media/', '"path": "../../../../hooks/media/'),
    "absolute path": rewrite('"path": "media/', '"path": "/elsewhere/media/'),
    "path with a line break": rewrite('"path": "media/', '"path": "media/\\n/'),
    "page among the media": rewrite('_poster.avif"', '.md"'),
    "plan that climbs": rewrite('"plan": [', '"plan": ["../run",'),
    "linked media": link_media,
    "linked picture": link_picture,
    "pipe for a header": pipe_header,
    "pipe for a record": pipe_record,
}


@pytest.mark.parametrize("spoil", HOSTILE.values(), ids=HOSTILE)
def test_a_hostile_run_is_refused_before_anything_is_written(
    run: Path, tmp_path: Path, spoil: Callable[[Path], None]
) -> None:
    spoil(run)
    work = tmp_path / "work"
    work.mkdir()
    with pytest.raises(StoreError) as refused:
        render(run.parent, work / "site", build_dir=work / "build")
    assert refused.value.exit_code == 20
    assert "\n" not in str(refused.value)
    assert not list(work.iterdir())


@pytest.mark.usefixtures("quick")
@pytest.mark.parametrize(
    "name",
    [
        *("../../x", "index.html", "a\nb", "x" * 400),
        *(pytest.param(one, marks=pytest.mark.long) for one in ("/etc", "assets", ".git", "ASSETS", "CON")),
    ],
)
def test_no_name_in_a_run_becomes_an_address_outside_the_site(run: Path, tmp_path: Path, name: str) -> None:
    rewrite('"plain_net', json.dumps(name)[:-1])(run)
    rewrite('"stem.conv"', json.dumps(name))(run)
    rewrite('"tennis"', json.dumps(name))(run)
    header = json.loads((run / "run.json").read_text())
    header["card"]["name"] = "plain_net"
    write_sealed(run / "run.json", {**header, "plan": []})
    render(run, tmp_path / "out/site", build_dir=tmp_path / "out/build")
    files = contents(tmp_path / "out/site")
    assert len(files) == len(OwnedFolder(tmp_path / "out/site").files) + len((STAMP, LEASE))
    assert sorted(path.name for path in tmp_path.iterdir()) == ["out", "runs"]


def place(folder: Path, runs: str, site: str, link: tuple[str, str] | None) -> tuple[Path, Path]:
    (folder / "runs/tiny").mkdir(parents=True)
    if link:
        (folder / link[0]).parent.mkdir(parents=True, exist_ok=True)
        (folder / link[1]).mkdir(parents=True, exist_ok=True)
        (folder / link[0]).symlink_to(folder / link[1])
    return folder / runs, folder / site


@pytest.mark.parametrize(
    ("runs", "site", "link"),
    [
        ("runs", "runs", None),
        ("runs", "runs/site", None),
        ("runs", "runs/tiny/site", None),
        ("site/runs", "site", None),
        ("runs", ".", None),
        ("runs", "/", None),
        ("runs", "runs/../runs/./site", None),
        ("runs", "build", None),
        ("build/report/docs", "site", None),
        ("runs", "site", ("site", "runs/tiny")),
        ("linked", "site", ("linked", "site/runs")),
        ("runs", "site", ("runs/linked", "site/tiny")),
        ("runs", "site", ("build", "site/build")),
        ("runs", "site", ("build/report", "runs/tiny")),
        ("runs", "site", ("site", "site")),
    ],
)
def test_runs_site_and_build_folder_are_kept_apart_before_the_first_job(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, runs: str, site: str, link: tuple[str, str] | None
) -> None:
    if link == ("site", "site"):
        (tmp_path / "site").symlink_to("site")
        link = None
    runs_folder, site_folder = place(tmp_path, runs, site, link)
    monkeypatch.chdir(tmp_path)
    before = sorted(tmp_path.rglob("*"))
    with pytest.raises(OptionError, match=r"must not lie in|leads nowhere"):
        build(BuildOptions(models=("no-such-model",), runs=runs_folder, site=site_folder))
    assert sorted(tmp_path.rglob("*")) == before


def test_a_site_that_cannot_be_is_refused_before_the_first_job(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "thesis").mkdir()
    (tmp_path / "thesis/thesis.tex").write_text("years of work")
    (tmp_path / "file").write_text("a file")
    for site in ("thesis", "file"):
        with pytest.raises((RenderError, StoreError)):
            build(BuildOptions(models=("no-such-model",), site=Path(site)))
    assert sorted(path.name for path in tmp_path.iterdir()) == ["file", "thesis"]


def test_a_marked_site_with_a_file_in_the_way_is_refused_before_the_first_job(tmp_path: Path) -> None:
    OwnedFolder(tmp_path / "site").claim()
    (tmp_path / "site/index.html").write_text("mine")
    with pytest.raises(RenderError, match="in the way"):
        check_site([tmp_path / "runs"], tmp_path / "site", build_dir=tmp_path / "build")


def test_a_lock_that_is_a_link_is_not_opened(run: Path, tmp_path: Path) -> None:
    (tmp_path / "precious").write_text("years of work")
    (tmp_path / "build").mkdir()
    (tmp_path / f"build/{LEASE}").symlink_to("../precious")
    with pytest.raises(StoreError, match="is a link"):
        render(run, tmp_path / "site", build_dir=tmp_path / "build")
    assert (tmp_path / "precious").read_text() == "years of work"


INTERRUPTED = pytest.param(signal.SIGINT, 29, marks=pytest.mark.long)
EVERY_STEP = pytest.param(signal.SIGKILL, 1, marks=pytest.mark.long)


@pytest.mark.slow
@pytest.mark.parametrize(("number", "stride"), [(signal.SIGKILL, 29), INTERRUPTED, EVERY_STEP])
def test_a_stop_at_any_step_never_blocks_the_next_render(
    run: Path, tmp_path: Path, number: signal.Signals, stride: int
) -> None:
    # TERM and HUP either end the process at once, as KILL does, or are unwound by the command as INT is.
    for path in run.glob("records/*/*.json"):
        path.unlink()
    work = tmp_path / "work"
    work.mkdir()
    run.parent.rename(work / "runs")
    words = [Path(__file__).with_name("stopped_renders.py"), work, int(number), stride]
    done = run_process([sys.executable, *words], timeout=120)
    assert done.returncode == 0, done.stderr[-3000:]


def test_a_run_with_clips_that_only_its_records_name_has_pages_for_them(sample_runs: Path, tmp_path: Path) -> None:
    run = Path(shutil.copytree(sample_runs / "drift", tmp_path / "runs/drift"))
    edit(run / "run.json", lambda header: header.update(clips=[]))
    (model,) = Report.of(find_runs(run)).models
    assert model.addresses.clip("tennis") == "drift/tennis/index.md"
