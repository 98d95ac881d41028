"""A worker that a job ends without an exception: `python -m tests.unit.runner.dying_worker FOLDER SIGNAL TOGETHER`."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import torch

from reportgen.analyses.base import Answers, Subject, Unit
from reportgen.analyses.method import Method
from reportgen.analyses.parameters import Parameters
from reportgen.progress import SILENT, Progress
from reportgen.records.figures import Result
from reportgen.records.jobs import content_key
from reportgen.records.store import Store
from reportgen.runner.executors.base import Work
from reportgen.runner.executors.claiming import ClaimingExecutor, worker_name
from reportgen.runner.plan import plan_jobs
from tests.unit.runner.test_local_executor import Squares

POISON = 4


@dataclass
class Deadly(Squares):
    """Squares, of which that of 4 ends the process; `together` no square is told before all of a chunk are there."""

    signal: int = 0
    together: bool = False

    def run(
        self, subject: Subject, units: Sequence[Unit], parameters: Parameters, answers: Answers, progress: Progress
    ) -> Iterator[tuple[Unit, Result]]:
        if self.together:
            yield from list(self._all(subject, units, parameters, answers, progress))
        else:
            yield from self._all(subject, units, parameters, answers, progress)

    def _all(self, subject: Subject, units: Sequence[Unit], *more: Any) -> Iterator[tuple[Unit, Result]]:
        for unit in units:
            if unit.parameters["n"] == POISON:
                os.kill(os.getpid(), self.signal)
            yield from super().run(subject, [unit], *more)


def work(folder: Path, number: int, together: bool) -> None:
    """Do what is left of the squares."""
    network = SimpleNamespace(device=torch.device("cpu"))
    subject = cast("Subject", SimpleNamespace(model="tiny", seed=0, network=network))
    squares = Deadly(signal=number, together=together)
    methods: list[Method[Parameters]] = [Method("squares", "s", "s", 1, Parameters, lambda: squares)]  # type: ignore[arg-type, return-value]
    plan = plan_jobs(subject, methods, {"squares": Parameters()}, {})
    store = Store(folder, writer=content_key(worker_name())[:8])
    list(ClaimingExecutor().execute(Work(plan, subject, store), SILENT))


if __name__ == "__main__":
    work(Path(sys.argv[1]), getattr(signal, sys.argv[2]), bool(int(sys.argv[3])))
