"""Serving a site on this machine, and cleaning up outputs."""

from __future__ import annotations

import signal
import urllib.request
from pathlib import Path

import pytest

from reportgen.commands.clean import clean
from reportgen.commands.serve import serve
from reportgen.errors import OptionError, RenderError
from reportgen.records.owned import STAMP
from tests.children import child, reportgen_command


def site(folder: Path) -> Path:
    folder.mkdir()
    (folder / "index.html").write_text("<p>report</p>")
    return folder


def test_a_site_is_served_until_it_is_interrupted(tmp_path: Path) -> None:
    with child(reportgen_command("serve", "--site", site(tmp_path / "site"), "--port", 0)) as process:
        assert process.stdout is not None
        address = process.stdout.readline().split()[1]
        with urllib.request.urlopen(address, timeout=60) as answer:
            assert answer.read() == b"<p>report</p>"
        process.send_signal(signal.SIGINT)
        _, said = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "Traceback" not in said


def test_serving_nothing_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(RenderError, match=r"reportgen.build\(\)"):
        serve(tmp_path, 0, ready=lambda _address: None)


def test_a_port_that_is_taken_is_named(tmp_path: Path) -> None:
    folder = site(tmp_path / "site")

    def again(address: str) -> None:
        port = int(address.rstrip("/").rpartition(":")[2])
        serve(folder, port, ready=lambda _address: None)

    with pytest.raises(OptionError, match="`port`"):
        serve(folder, 0, ready=again)


def test_cleaning_everything_touches_only_what_the_program_made(tmp_path: Path) -> None:
    runs, mine, foreign = tmp_path / "runs", site(tmp_path / "site"), site(tmp_path / "foreign")
    (mine / STAMP).write_text('{"files": {"index.html": 13, "gone.html": 1, "../foreign/index.html": 1}}')
    (mine / "CNAME").write_text("example.org")
    for name in ("a-trainer-s", "empty"):
        (runs / name).mkdir(parents=True)
    (runs / "a-trainer-s" / "run.json").write_text('{"epochs": 90}')
    (runs / "a-trainer-s" / "weights.pt").write_text("weeks of work")
    (runs / "notes.txt").write_text("mine")
    before = {path.relative_to(tmp_path) for path in runs.rglob("*")}
    clean(runs, foreign, everything=True)
    assert (foreign / "index.html").exists(), "a folder without our mark is somebody else's"
    assert {path.relative_to(tmp_path) for path in runs.rglob("*")} == before, "a run.json alone makes no run of ours"
    clean(runs, mine, everything=True)
    assert [path.name for path in mine.iterdir()] == ["CNAME"]
    assert (foreign / "index.html").exists()
