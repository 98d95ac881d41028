"""A report in other forms than a site: whole or not at all, and nothing of anybody else's is touched."""

from __future__ import annotations

import csv
import os
import signal
import time
from contextlib import suppress
from pathlib import Path

import pytest

from reportgen.commands.clean import clean
from reportgen.commands.export import export
from reportgen.errors import OptionError, RenderError, StoreError, UnknownNameError
from reportgen.exports.base import ExportRequest
from reportgen.exports.registry import FORMS
from reportgen.records.files import PART
from reportgen.records.owned import OwnedFolder
from tests.children import LONGEST, Running, child, reportgen_command


def test_csv_is_what_the_site_has_beside_its_pages(sample_runs: Path, sample_site: Path, tmp_path: Path) -> None:
    folder = export(sample_runs, "csv", to=tmp_path / "tables")
    found = {path.relative_to(folder): path.read_bytes() for path in folder.rglob("*.csv")}
    assert found
    assert found == {path: (sample_site / path).read_bytes() for path in found}
    for content in found.values():
        rows = list(csv.reader(content.decode().splitlines()))
        assert len({len(row) for row in rows}) == 1


def test_an_export_replaces_its_own_files_and_no_others(sample_runs: Path, tmp_path: Path) -> None:
    folder = export(sample_runs, "csv", to=tmp_path / "tables")
    (folder / "mine.txt").write_text("mine")
    table = next(folder.rglob("*.csv"))
    table.write_text("edited")
    export(sample_runs, "csv", to=folder)
    assert table.read_text() != "edited"
    assert (folder / "mine.txt").read_text() == "mine"


def test_a_folder_of_somebody_else_is_refused(sample_runs: Path, tmp_path: Path) -> None:
    (tmp_path / "mine.txt").write_text("mine")
    with pytest.raises(RenderError, match=r"mine\.txt.*`to`"):
        export(sample_runs, "csv", to=tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["mine.txt"]


def test_what_cannot_be_written_leaves_nothing(
    sample_runs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Ends:
        name, suffix, summary = "ends", ".txt", "never"

        def write(self, request: ExportRequest, target: Path) -> None:
            target.write_text("half")
            raise RenderError("it ends here")

    monkeypatch.setitem(FORMS, "ends", Ends())
    with pytest.raises(RenderError):
        export(sample_runs, "ends", to=tmp_path / "out.txt")
    assert not list(tmp_path.iterdir())


def test_bad_requests_are_refused_before_work(sample_runs: Path, tmp_path: Path) -> None:
    with pytest.raises(UnknownNameError, match="csv"):
        export(sample_runs, "cvs", to=tmp_path / "x")
    with pytest.raises(OptionError, match=r"The export .*`to`"):
        export(sample_runs, "csv", to=sample_runs / "x")
    with pytest.raises(OptionError, match="is a folder, and the format pdf is one file"):
        export(sample_runs, "pdf", to=tmp_path)
    with pytest.raises(OptionError, match=r"named like the format zip, and `format` is pdf"):
        export(sample_runs, "pdf", to=tmp_path / "report.zip")
    assert not list(tmp_path.iterdir())


def test_a_new_folder_is_there_as_a_whole_or_not_at_all(sample_runs: Path, tmp_path: Path) -> None:
    """A process that is killed while it writes leaves nothing under the name that was asked for."""

    class Killed(BaseException):
        pass

    class Tables:
        name, suffix, summary = "csv", "", "never"

        def write(self, request: ExportRequest, target: Path) -> None:
            (target / "a.csv").write_text("half")
            raise Killed

    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(FORMS, "csv", Tables())
        with pytest.raises(Killed):
            export(sample_runs, "csv", to=tmp_path / "tables")
    assert not (tmp_path / "tables").exists()
    whole = export(sample_runs, "csv", to=tmp_path / "tables")
    assert {path.relative_to(whole).as_posix() for path in whole.rglob("*.csv")} == set(OwnedFolder(whole).files)


def test_a_link_is_replaced_and_what_it_leads_to_stays(sample_runs: Path, tmp_path: Path) -> None:
    class Short:
        name, suffix, summary = "short", ".txt", "never"

        def write(self, request: ExportRequest, target: Path) -> None:
            target.write_text("whole")

    (tmp_path / "mine.txt").write_text("mine")
    (tmp_path / "report.txt").symlink_to(tmp_path / "mine.txt")
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(FORMS, "short", Short())
        export(sample_runs, "short", to=tmp_path / "report.txt")
    assert (tmp_path / "mine.txt").read_text() == "mine"
    assert not (tmp_path / "report.txt").is_symlink()


@pytest.mark.long
@pytest.mark.parametrize("target", ["paper", "report.html"])
def test_of_two_exports_to_one_place_one_wins_and_a_killed_one_leaves_nothing(
    sample_runs: Path, tmp_path: Path, target: str
) -> None:
    """Real processes: one is stopped in the middle of its work, the other one comes; then one is killed there."""
    place, form = tmp_path / target, "latex" if target == "paper" else "html"
    command = reportgen_command("export", "--format", form, "--runs", sample_runs, "--to", place)

    def at_work() -> bool:
        with suppress(FileNotFoundError):  # the folder is renamed into place when the work is done
            return bool(list(tmp_path.glob(f"{PART}*/*.json")))
        return False

    def stopped_at_work(process: Running) -> None:
        deadline = time.monotonic() + LONGEST
        while not at_work():
            assert process.poll() is None
            assert time.monotonic() < deadline
            time.sleep(0.005)
        os.kill(process.pid, signal.SIGSTOP)

    with child(command) as first:
        stopped_at_work(first)
        with pytest.raises(StoreError, match=rf"Process {first.pid} is writing .*{target}: wait until"):
            export(sample_runs, form, to=place)
        assert not place.exists()
        os.kill(first.pid, signal.SIGCONT)
        _, said = first.communicate(timeout=LONGEST)
        assert first.returncode == 0, said
    assert [path.name for path in tmp_path.iterdir()] == [target]
    with child(command) as second:
        stopped_at_work(second)
        os.kill(second.pid, signal.SIGKILL)
        second.wait()
    assert list(tmp_path.glob(f"{PART}*"))
    clean(tmp_path / "runs", tmp_path / "site", everything=True)
    assert [path.name for path in tmp_path.iterdir()] == [target]
