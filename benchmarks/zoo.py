"""What the report of each card costs: seconds, CPU seconds and peak memory of `reportgen build --preset quick`.

    python -m benchmarks.zoo --clip FILE                  # every card, untrained
    python -m benchmarks.zoo --clip FILE --models i3d c3d --threads 2 --json benchmarks/results/zoo.json

Each build is a process of its own with so many threads, in an empty folder. CPU seconds are those of all its threads
and children; they tell of the program also where other work keeps the machine busy, which `load` states. On a machine
of N free cores the seconds lie between CPU seconds / N and CPU seconds. Peak memory is the largest resident set of one
process. Rows of earlier calls are kept in the JSON and replaced model by model.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
import time
from dataclasses import asdict, dataclass
from pathlib import Path

import torch

from benchmarks.machine import describe
from reportgen.commands.models import list_models
from reportgen.errors import StoreError
from reportgen.records.finding import find_runs
from reportgen.records.jobs import Failed, Record, Skipped

#: What a quick report may take: seconds on so many cores, and memory in GiB.
LIMIT_SECONDS, LIMIT_CORES, LIMIT_MEMORY = 600, 2, 8.0


@dataclass(frozen=True)
class Row:
    """One card's build; memory in GiB, `analyses` the seconds of each, `code` the exit code of the command."""

    model: str
    threads: int
    code: int
    seconds: float
    cpu_seconds: float
    peak_memory: float
    load: float
    failed: int
    skipped: int
    analyses: dict[str, float]

    @property
    def within(self) -> bool:
        """Whether two free cores would end it in time, and 8 GB hold it."""
        return self.code == 0 and self.cpu_seconds <= LIMIT_SECONDS * LIMIT_CORES and self.peak_memory <= LIMIT_MEMORY


def main() -> None:
    """Build each card, print its row, keep the JSON."""
    options = arguments()
    rows: dict[str, Row] = {}
    if options.json and options.json.exists():
        known = json.loads(options.json.read_text(encoding="utf-8"))["rows"]
        rows = {row["model"]: Row(**row) for row in known}
    machine = {key: told for key, told in describe(torch.device("cpu")).items() if key not in ("threads", "load")}
    models = options.models or [row.name for row in list_models()]
    print(
        f"{'model':20} {'threads':>7} {'code':>4} {'seconds':>8} {'CPU s':>8} {'GiB':>5} {'load':>5}"
        "  failed skipped  seconds of each"
    )
    for model in models:
        rows[model] = measure(model, options)
        print_row(rows[model])
        if options.json:  # row by row: a run takes long and may be stopped
            content = {"machine": machine, "rows": [asdict(rows[name]) for name in sorted(rows)]}
            options.json.parent.mkdir(parents=True, exist_ok=True)
            options.json.write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")


def arguments() -> argparse.Namespace:
    """Return what the command line says."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--models", nargs="+", help="default all cards")
    parser.add_argument("--clip", type=Path, action="append", default=[], help="shown; may be repeated")
    parser.add_argument("--analyses", help="as of `reportgen build`; default all")
    parser.add_argument("--preset", default="quick")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--keep", type=Path, help="a folder for runs and sites; default none")
    parser.add_argument("--json", type=Path, help="where to write the figures")
    return parser.parse_args()


def measure(model: str, options: argparse.Namespace) -> Row:
    """Return the row of one card."""
    with tempfile.TemporaryDirectory() as scratch:
        folder = options.keep / model if options.keep else Path(scratch)
        folder.mkdir(parents=True, exist_ok=True)
        load = os.getloadavg()[0]
        began = time.perf_counter()
        code, cpu, memory = run(command(model, folder, options), folder / "log.txt", options.threads)
        seconds = time.perf_counter() - began
        records = kept_records(folder / "runs")
        analyses: dict[str, float] = {}
        for record in records:
            analyses[record.job.analysis] = round(analyses.get(record.job.analysis, 0.0) + record.spent.seconds, 1)
        return Row(
            model=model,
            threads=options.threads,
            code=code,
            seconds=round(seconds, 1),
            cpu_seconds=round(cpu, 1),
            peak_memory=round(memory, 2),
            load=round(load, 1),
            failed=sum(isinstance(record.outcome, Failed) for record in records),
            skipped=sum(isinstance(record.outcome, Skipped) for record in records),
            analyses=analyses,
        )


def kept_records(runs: Path) -> list[Record]:
    """Return the records of the runs in a folder; none where the build ended before its first."""
    try:
        return [record for store in find_runs(runs) for record in store.manifest().records]
    except StoreError:
        return []


def command(model: str, folder: Path, options: argparse.Namespace) -> list[str]:
    """Return the command line of one build."""
    words = [sys.executable, "-m", "reportgen", "build", "--model", model, "--untrained", "--preset", options.preset]
    words += ["--device", "cpu", "--runs", str(folder / "runs"), "--site", str(folder / "site")]
    words += ["--analyses", options.analyses] if options.analyses else []
    for clip in options.clip:
        words += ["--clip", str(clip.resolve())]
    return words


def run(words: list[str], log: Path, threads: int) -> tuple[int, float, float]:
    """Run a command; return its exit code, its CPU seconds and its largest resident set in GiB."""
    environment = {**os.environ, "OMP_NUM_THREADS": str(threads)}
    with log.open("w", encoding="utf-8") as file:
        actions = [(os.POSIX_SPAWN_DUP2, file.fileno(), 1), (os.POSIX_SPAWN_DUP2, file.fileno(), 2)]
        child = os.posix_spawn(words[0], words, environment, file_actions=actions)
        _, status, used = os.wait4(child, 0)
    size = used.ru_maxrss if sys.platform == "darwin" else used.ru_maxrss * 1024
    return os.waitstatus_to_exitcode(status), used.ru_utime + used.ru_stime, size / 2**30


def print_row(row: Row) -> None:
    """Print one line of the table."""
    each = ", ".join(f"{name} {seconds:.0f}" for name, seconds in row.analyses.items())
    print(
        f"{row.model:20} {row.threads:7} {row.code:4} {row.seconds:8.0f} {row.cpu_seconds:8.0f} {row.peak_memory:5.1f} "
        f"{row.load:5.1f}  {row.failed:6} {row.skipped:7}  {each}{'' if row.within else '  OVER THE LIMIT'}",
        flush=True,
    )


if __name__ == "__main__":
    main()
