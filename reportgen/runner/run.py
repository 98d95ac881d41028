"""Doing it: every job of a plan that has no answer yet, one record as soon as each is answered."""

from __future__ import annotations

import resource
import sys
import time
from collections.abc import Collection, Iterator, Mapping
from datetime import UTC, datetime

import torch

from reportgen.analyses.base import Arrays, Subject
from reportgen.analyses.parameters import Parameters
from reportgen.analyses.registry import find_method
from reportgen.errors import OutOfMemoryError, ReportgenError, StoreError
from reportgen.media import read_data, write_figure
from reportgen.progress import Progress
from reportgen.records.figures import Result
from reportgen.records.identities import KernelId, slug
from reportgen.records.jobs import Artifact, Done, Failed, Job, Record, Skipped, Spent
from reportgen.records.store import Store
from reportgen.runner.plan import Plan, PlannedSkip, PlannedUnit, by_group

#: The published 3D Kernel Visualizer names its files {model}_{layer}_{kernel}_{stage1|deform|recon}.gif
PUBLISHED_ROLES = {"stage1": "stage1", "deform": "deform", "reconstruction": "recon"}


class Executor:
    """Runs the jobs of one plan into one store."""

    def __init__(
        self,
        subject: Subject,
        plan: Plan,
        store: Store,
        parameters: Mapping[str, Parameters],
        progress: Progress,
        *,
        only: Collection[str] | None = None,
        debug: bool = False,
    ) -> None:
        self.subject = subject
        self.plan = plan
        self.store = store
        self.parameters = parameters
        self.progress = progress
        self.only = only
        self.debug = debug
        self._answered: dict[str, Done] = {}

    def run(self) -> Iterator[tuple[Record, bool]]:
        """Yield every job's record, and whether it was computed now; records are kept before they are yielded.

        With `only`, jobs of other keys are left as they are.

        An error of one group fails that group's open jobs and no others. Errors of the store (no space, no
        permission) and Ctrl-C end the run; what was finished is kept.
        """
        for analysis in self.plan.units:
            for skip in filter(self._is_wanted, self.plan.skips[analysis]):
                yield self._keep(skip.job, Skipped(reason=skip.reason), 0.0), True
            for group in by_group(list(filter(self._is_wanted, self.plan.units[analysis]))).values():
                yield from self._run_group(analysis, group)

    def _is_wanted(self, planned: PlannedUnit | PlannedSkip) -> bool:
        return self.only is None or planned.job.key in self.only

    def _run_group(self, analysis: str, group: list[PlannedUnit]) -> Iterator[tuple[Record, bool]]:
        waiting: dict[str, PlannedUnit] = {}
        for planned in group:
            record = self.store.record(planned.job.key)
            if record is not None and isinstance(record.outcome, Done):
                yield record, False
            elif (missing := self._missing_needs(planned)) is not None:
                yield self._keep(planned.job, Skipped(reason=missing), 0.0), True
            else:
                waiting[planned.unit.name + planned.job.key] = planned
        if waiting:
            yield from self._answer(analysis, waiting)

    def _answer(self, analysis: str, waiting: dict[str, PlannedUnit]) -> Iterator[tuple[Record, bool]]:
        units = [planned.unit for planned in waiting.values()]
        keys = {id(planned.unit): name for name, planned in waiting.items()}
        started = time.perf_counter()
        try:
            loaded = find_method(analysis).load()
            answers = loaded.run(self.subject, units, self.parameters[analysis], self._read, self.progress)
            for unit, result in answers:
                planned = waiting.pop(keys[id(unit)])
                done = self._write(planned.job, result)
                yield self._keep(planned.job, done, time.perf_counter() - started), True
                started = time.perf_counter()
        except StoreError:
            raise
        except Exception as error:  # every other failure belongs to these jobs: it is recorded and shown
            if self.debug:
                raise
            failed = Failed(message=_describe(error), error=type(error).__name__)
            seconds = (time.perf_counter() - started) / len(waiting) if waiting else 0.0
            for planned in waiting.values():
                yield self._keep(planned.job, failed, seconds), True

    def _missing_needs(self, planned: PlannedUnit) -> str | None:
        for analysis, unit, _role in planned.unit.needs:
            if self._needed(analysis, unit) is None:
                return f"it needs the answer of {analysis} about {unit}, which failed"
        return None

    def _needed(self, analysis: str, unit: str) -> Done | None:
        """Return an answer that later jobs read, from its file once: many read the same, and it may be large."""
        key = self.plan.key_of(analysis, unit)
        if key not in self._answered:
            record = self.store.record(key)
            if record is None or not isinstance(record.outcome, Done):
                return None
            self._answered[key] = record.outcome
        return self._answered[key]

    def _read(self, analysis: str, unit: str, role: str) -> Arrays:
        done = self._needed(analysis, unit)
        artifact = done.artifact(role, "data") if done else None
        if artifact is None:
            raise StoreError(f"{self.store.folder} lacks the {role} of {unit}: remove the folder and compute again.")
        return read_data(self.store.path(artifact))

    def _write(self, job: Job, result: Result) -> Done:
        folder = f"media/{job.analysis}/{job.key}"
        artifacts: list[Artifact] = []
        for role, figure in result.figures.items():
            name = _published_name(self.subject.model, job, role)
            artifacts.extend(write_figure(self.store, folder, slug(role), figure, name=name))
        return Done(artifacts=tuple(artifacts), answer=result.answer.model_dump(mode="json"), notes=tuple(result.notes))

    def _keep(self, job: Job, outcome: Done | Skipped | Failed, seconds: float) -> Record:
        record = Record(
            job=job,
            outcome=outcome,
            spent=Spent(
                seconds=round(seconds, 3),
                finished=datetime.now(UTC).isoformat(timespec="seconds"),
                peak_memory=peak_memory(self.subject.network.device) if isinstance(outcome, Done) else None,
            ),
        )
        self.store.add(record)
        return record


def peak_memory(device: torch.device) -> int:
    """Return the largest memory held so far in bytes: the device's on CUDA, else the process's resident set."""
    if device.type == "cuda":
        return int(torch.cuda.max_memory_allocated(device))
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024


def _published_name(model: str, job: Job, role: str) -> str | None:
    if role not in PUBLISHED_ROLES or "kernel" not in job.parameters:
        return None
    kernel = KernelId(model=model, layer=str(job.parameters["layer"]), index=int(str(job.parameters["kernel"])))
    return f"{kernel.published_name}_{PUBLISHED_ROLES[role]}"


def _describe(error: Exception) -> str:
    if isinstance(error, ReportgenError):
        return str(error)
    if isinstance(error, MemoryError | torch.OutOfMemoryError):
        return str(OutOfMemoryError("Memory ran out: choose a smaller clip, fewer kernels, or a larger device."))
    if isinstance(error, RuntimeError) and "modified by an inplace operation" in str(error):
        return (
            "The network overwrites in place what its own gradient needs, as x += y does to the output of a ReLU: "
            "write x = x + y there."
        )
    text = str(error).strip().splitlines()
    return f"{type(error).__name__}: {text[0][:300]}" if text else type(error).__name__
