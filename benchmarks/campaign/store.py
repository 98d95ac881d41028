"""How the store of a run holds as its records grow: `python -m benchmarks.campaign.store [--sizes 1000 10000 100000]`.

Each line is one run of so many jobs, all answered, with synthetic answers and a small file each; its figures are
processor seconds: to plan its jobs, to write and read the plan, to keep a record, for `reportgen status`, and to read
all records as `reportgen render` does; and the entries of its largest folder.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any, TypeVar, cast

import numpy as np

from reportgen.analyses.base import Inapplicable, Subject, Unit
from reportgen.analyses.method import Method
from reportgen.analyses.registry import find_method
from reportgen.commands.status import status
from reportgen.media import write_figure
from reportgen.pages.report import Report
from reportgen.records.answers.kernels import KernelAnswer
from reportgen.records.figures import DataFigure
from reportgen.records.identities import KernelId
from reportgen.records.jobs import Done, Job, Record, Spent
from reportgen.records.layout import media_folder
from reportgen.records.store import Store
from reportgen.runner.plan import Plan, plan_jobs
from reportgen.uncollected import uncollected

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "tests" / "site"))
from sample_run import SampleRun

SIZES = (1_000, 10_000, 100_000)
LAYER = 512
"""Kernels of a layer."""

INPUTS = {"model": "large", "card": "c" * 20, "weights": "w" * 64, "source": ""}
_Got = TypeVar("_Got")


class _Kernels:
    """As many kernels as asked for."""

    def __init__(self, count: int) -> None:
        self.count = count

    def units(self, subject: Subject, parameters: Any) -> Sequence[Unit | Inapplicable]:  # noqa: ARG002
        """Return the kernels, layer by layer."""
        return list(self._units())

    def _units(self) -> Iterator[Unit]:
        for number in range(self.count):
            kernel = KernelId(model="large", layer=f"stage{number // LAYER:03d}.conv", index=number % LAYER)
            own: dict[str, Any] = {"layer": kernel.layer, "kernel": kernel.index, "objective": "firing"}
            yield Unit(str(kernel), kernel.layer, own)


def planned(jobs: int) -> Plan:
    """Return the plan of so many kernels."""
    real = find_method("kernels")
    kernels = _Kernels(jobs)
    method = Method(real.name, real.title, real.summary, real.version, real.parameters, lambda: cast("Any", kernels))
    subject = cast("Subject", SimpleNamespace(model="large", seed=0))
    return plan_jobs(subject, [method], {"kernels": real.preset("standard")}, INPUTS)


def write_header(folder: Path, plan: Plan) -> Store:
    """Write the header of a run with this plan."""
    sample = SampleRun(folder, "large", "Large", seed=0)
    sample.kernels = 1
    sample.write()
    run = sample.store.read_run()
    store = Store(folder)
    store.write_run(run.model_copy(update={"plan": plan.keys()}))
    return store


def answer(store: Store, job: Job, seconds: float = 30.0) -> None:
    """Keep a synthetic answer of a kernel."""
    kernel = KernelId.parse(job.unit)
    found = KernelAnswer(
        layer=kernel.layer, index=kernel.index, activation=9.0, objective="firing", steps=96, curve=(0.0, 9.0),
        contrast=0.2,
    )  # fmt: skip
    figure = DataFigure({"clip": np.zeros(4, "float16")}, "A clip")
    files = write_figure(store, media_folder(job.analysis, job.key), "stage1_data", figure)
    spent = Spent(seconds=seconds, finished="2026-01-01T00:00:00+00:00")
    store.add(Record(job=job, outcome=Done(artifacts=tuple(files), answer=found.model_dump(mode="json")), spent=spent))


def largest_folder(run: Path) -> int:
    """Return the most entries that a folder of a run has."""
    return max(len(folders) + len(files) for _, folders, files in os.walk(run))


@uncollected()  # as when a site is rendered
def as_rendered(run: Path) -> Report:
    """Return the report of a run, read as for its site."""
    return Report.of([Store(run)])


def measured(jobs: int, folder: Path) -> dict[str, float | int]:
    """Return the figures of a run of so many jobs, which is written to a folder."""
    found: dict[str, float | int] = {"jobs": jobs}

    def timed(name: str, do: Callable[[], _Got]) -> _Got:
        started = time.process_time()
        got = do()
        found[name] = round(time.process_time() - started, 2)
        return got

    def keep() -> None:
        for job in plan.jobs():
            answer(store, job)

    plan = timed("plan", lambda: planned(jobs))
    store = write_header(folder / "large", plan)
    timed("write plan", lambda: store.write_plan(plan.stored(2)))
    found["plan MB"] = round(store.file("plan.json").stat().st_size / 1e6, 1)
    timed("read plan", store.read_plan)
    timed("keep", keep)
    timed("status", lambda: status(folder))
    report = timed("read for rendering", lambda: as_rendered(folder / "large"))
    assert len(report.models[0].manifest.records) == jobs
    found["largest folder"] = largest_folder(folder)
    return found


@contextmanager
def _folder() -> Iterator[Path]:
    with tempfile.TemporaryDirectory() as folder:
        yield Path(folder)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sizes", type=int, nargs="+", default=SIZES, help="Jobs of each run.")
    for jobs in parser.parse_args().sizes:
        with _folder() as folder:
            print(json.dumps(measured(jobs, folder)), flush=True)


if __name__ == "__main__":
    main()
