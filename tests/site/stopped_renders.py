"""A program: stop a render at each of its steps, render again, and compare.

Arguments: a folder with `runs`, the number of the signal, every how manyth step is tried.
"""

from __future__ import annotations

import os
import shutil
import signal
import sys
from functools import partial
from pathlib import Path
from typing import Any

from quick_site import THEIRS, contents, quick_mkdocs, rename

import reportgen.site as site
from reportgen.commands.render import render as render_site
from reportgen.progress import SILENT
from reportgen.records.files import PART, write_text
from reportgen.records.lease import LEASE
from reportgen.records.owned import STAMP
from reportgen.site import DEFAULT_BUILD
from reportgen.site_intermediates import Intermediate
from reportgen.site_publishing import finish_publishing
from tests.stops import run_until


def few_files(report: Any, *_: object) -> dict[str, Intermediate]:
    name = report.models[0].run.model
    files = ["docs/index.md", "docs/assets/a.css", "overrides/main.html", "mkdocs.yml"]
    files += [f"docs/{name}/{n}.md" for n in range(3)]
    return {file: Intermediate(partial(write_text, text=name)) for file in files}


def render(stop_at: int, number: int, steps_file: Path) -> int:
    return run_until(stop_at, number, steps_file, lambda: render_site(Path("runs"), Path("site")))


def shown(site: Path) -> dict[str, bytes]:
    """Return what of a site a reader can open."""
    hidden = (STAMP, LEASE, PART)
    return {name: content for name, content in contents(site).items() if not name.startswith(hidden)}


def main(folder: Path, number: int, stride: int) -> None:
    site.begun_mkdocs, site.site_intermediates = quick_mkdocs, few_files
    site.all_pages = lambda report: iter(())
    site._digest = lambda report, renderer: report.models[0].run.model
    os.chdir(folder)
    run, steps_file, saved = folder / "runs/plain_net", folder / "steps", folder.parent / "saved"
    rename(run, "plain_net", "first")
    assert render(0, number, steps_file) == 0
    rename(run, "first", "plain_net")
    for name in THEIRS:
        (folder / "site" / name).parent.mkdir(exist_ok=True)
        (folder / "site" / name).write_text("mine")
    others = folder / "build/report/.reportgen-site-of-mine/notes.txt"
    others.parent.mkdir()
    others.write_text("mine")
    shutil.copytree(folder, saved)
    assert render(0, number, steps_file) == 0
    whole, new, old = set(contents(folder / "site")), shown(folder / "site"), shown(saved / "site")
    assert old != new
    steps = int(steps_file.read_text())
    assert steps > 30
    for stop_at in range(1, steps, stride):
        for name in ("site", "build"):
            shutil.rmtree(folder / name)
            shutil.copytree(saved / name, folder / name)
        assert render(stop_at, number, steps_file) != 0, stop_at
        if number != signal.SIGKILL:
            assert shown(folder / "site") in (old, new), stop_at
        finish_publishing(Path("site"), DEFAULT_BUILD, SILENT)
        assert shown(folder / "site") in (old, new), stop_at
        assert {(folder / "site" / name).read_text() for name in THEIRS} == {"mine"}, stop_at
        assert render(0, number, steps_file) == 0, stop_at
        assert set(contents(folder / "site")) == whole, stop_at
        assert list((folder / "build/report").glob(".reportgen-site-*")) == [others.parent], stop_at
        assert others.read_text() == "mine", stop_at


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]))
