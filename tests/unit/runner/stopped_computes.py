"""A program: stop a compute at some of its steps, compute again, and compare with one that was not stopped.

Arguments: an empty folder, the folder of the zoo, the number of the signal, which steps are tried (50: so many, drawn
by seed; 1/4: every fourth, from the first on), and the analyses.
"""

from __future__ import annotations

import random
import shutil
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

import torch

from reportgen.commands import compute as command
from reportgen.commands.compute import compute
from reportgen.config.options import BuildOptions
from reportgen.runner import one_run
from reportgen.runner.executors import chunks, recording
from tests.stops import run_until

QUICK = {
    "kernels": {"steps": 2, "count": 2, "batch_size": 2},
    "responses": {"most_clusters": 2},
}


class NoClock:
    """Stands for time in records: two builds of one plan are then equal to the byte."""

    @staticmethod
    def perf_counter() -> float:
        return 0.0

    @staticmethod
    def now(zone: object) -> datetime:
        return datetime(2026, 1, 1, tzinfo=UTC)


def contents(folder: Path) -> dict[str, bytes]:
    """Return the files of a run by their paths, but for the list of what was written, which may be too long."""
    files = (path for path in folder.rglob("*") if path.is_file())
    return {p.relative_to(folder).as_posix(): p.read_bytes() for p in files if p.name != "written.txt"}


def finished(run: Path) -> dict[str, bytes]:
    """Return the finished records; half-written ones are hidden or have other names."""
    return {p.name: p.read_bytes() for p in run.glob("records/*/*.json") if not p.name.startswith(".")}


def steps_to_try(steps: int, tried: str) -> Sequence[int]:
    first, _, stride = tried.partition("/")
    if stride:
        return range(int(first), steps + 1, int(stride))
    return sorted(random.Random(0).sample(range(1, steps + 1), int(tried)))


def main(folder: Path, zoo: Path, number: int, tried: str, analyses: tuple[str, ...]) -> None:
    torch.set_num_threads(1)
    for module in (chunks, one_run, command):
        module.time = NoClock  # type: ignore[assignment]
    for module in (recording, one_run):
        module.datetime = NoClock  # type: ignore[assignment, attr-defined]
    recording.peak_memory = lambda device: 0
    runs, steps_file = folder / "runs", folder / "steps"
    options = BuildOptions(
        models=("tiny",), zoo=(zoo,), untrained=True, preset="quick", runs=runs, analyses=analyses, parameters=QUICK
    )

    def work() -> None:
        compute(options).check()

    work()  # what is imported and set up at first use is so before the children part from this process
    shutil.rmtree(runs)
    assert run_until(0, number, steps_file, work) == 0
    whole = contents(runs / "tiny")
    steps = int(steps_file.read_text())
    for stop_at in steps_to_try(steps, tried):
        shutil.rmtree(runs)
        assert run_until(stop_at, number, steps_file, work) != 0, stop_at
        kept = finished(runs / "tiny")
        assert run_until(0, number, steps_file, work) == 0, stop_at
        found = contents(runs / "tiny")
        assert {name: found[f"records/{name[:2]}/{name}"] for name in kept} == kept, stop_at
        left = {name for name in found.keys() - whole.keys() if ".reportgen-part-" not in name}
        assert not left, (stop_at, left)
        assert {name: found[name] for name in whole} == whole, stop_at


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3]), sys.argv[4], tuple(sys.argv[5:]))
