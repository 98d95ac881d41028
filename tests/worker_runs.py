"""A small run that several workers share: what is asked, what comes of it, and when they have begun."""

from __future__ import annotations

import json
import time
from pathlib import Path

from reportgen.records.written import CLAIMS
from tests.children import LONGEST, Loaded, Running, reportgen

ANALYSES = "kernels,decomposition,evidence,saliency"
SETTINGS = """\
[kernels]
steps = 6
count = 3
batch_size = 2
"""


def words(zoo: Path) -> list[str]:
    preset = ["--preset", "quick", "--threads", "1", "--analyses", ANALYSES]
    return ["--model", "tiny", "--zoo", str(zoo), "--untrained", *preset]


def contents(run: Path) -> dict[str, object]:
    """Return what a run says and shows, but for the time that it took."""
    found: dict[str, object] = {}
    for path in run.glob("records/*/*.json"):
        document = json.loads(path.read_text())
        found[path.name] = {name: value for name, value in document.items() if name not in ("spent", "digest")}
    for path in run.glob("media/**/*"):
        if path.is_file() and not path.name.startswith("."):
            found[path.relative_to(run).as_posix()] = path.read_bytes()
    return found


def with_settings(folder: Path) -> Path:
    """Return the folder, in which a run is now small."""
    (folder / "reportgen.toml").write_text(SETTINGS)
    return folder


def run_of_one_process(folder: Path, zoo: Path) -> dict[str, object]:
    """Return the contents of the run that one process makes."""
    done = reportgen("compute", *words(zoo), cwd=with_settings(folder))
    assert done.returncode == 0, done.stderr
    return contents(folder / "runs" / "tiny")


def wait_until_claimed(run: Path, process: Running | Loaded) -> None:
    """Wait until some worker holds a chunk of what a process computes."""
    until = time.monotonic() + LONGEST / 2
    while not list(run.glob(f"{CLAIMS}/*/*.1")):
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < until
        time.sleep(0.05)
