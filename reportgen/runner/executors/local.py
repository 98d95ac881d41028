"""This process does the work itself, one chunk after the other."""

from __future__ import annotations

import time
from collections.abc import Iterator

from reportgen.analyses.base import Arrays
from reportgen.errors import NoAnswerError, StoreError
from reportgen.media import read_data
from reportgen.progress import Progress
from reportgen.records.jobs import Done, Job, Record, Skipped
from reportgen.runner.executors.base import Work
from reportgen.runner.executors.recording import failure, keep, write_result
from reportgen.runner.plan import MethodPlan, PlannedUnit


class LocalExecutor:
    """An executor (see `reportgen.runner.executors.base.Executor`) in this process."""

    def execute(self, work: Work, progress: Progress) -> Iterator[tuple[Record, bool]]:
        """Yield the record of every job to do, and whether it was computed now; it is kept before it is yielded."""
        worker = _Worker(work, progress)
        for part in work.plan.parts:
            for skip in part.skips:
                if work.only is None or skip.job.key in work.only:
                    yield worker.keep_skipped(skip.job, skip.reason), True
            for chunk in part.chunks().values():
                wanted = [planned for planned in chunk if work.only is None or planned.job.key in work.only]
                yield from worker.do_chunk(part, wanted)


class _Worker:
    """Does the chunks of one plan, and keeps the answers that later ones read."""

    def __init__(self, work: Work, progress: Progress) -> None:
        self._work = work
        self._progress = progress
        self._device = work.subject.network.device
        self._answered: dict[str, Done] = {}

    def keep_skipped(self, job: Job, reason: str) -> Record:
        """Keep and return the record of a job that cannot be done."""
        return keep(self._work.store, job, Skipped(reason=reason), 0.0, self._device)

    def do_chunk(self, part: MethodPlan, chunk: list[PlannedUnit]) -> Iterator[tuple[Record, bool]]:
        """Yield the records of a chunk: those that are there, and those computed now."""
        waiting: dict[str, PlannedUnit] = {}
        whole: list[PlannedUnit] = []
        for planned in chunk:
            record = self._work.store.record(planned.job.key)
            if record is not None and isinstance(record.outcome, Done):
                whole.append(planned)
                yield record, False
            elif (missing := self._missing_needs(planned)) is not None:
                yield self.keep_skipped(planned.job, missing), True
            else:
                whole.append(planned)
                waiting[planned.job.key] = planned
        if waiting:
            yield from self._answer(part, whole, waiting)

    def _answer(
        self, part: MethodPlan, whole: list[PlannedUnit], waiting: dict[str, PlannedUnit]
    ) -> Iterator[tuple[Record, bool]]:
        """Yield the records of the `waiting` jobs, computed among all of their chunk: a batch rounds by who is in it.

        What the chunk's finished jobs are answered with once more is let go, and nothing is computed behind the last
        one that waits.
        """
        work = self._work
        keys = {id(planned.unit): planned.job.key for planned in whole}
        units = [planned.unit for planned in whole]
        started = time.perf_counter()
        try:
            loaded = part.method.load()
            for unit, result in loaded.run(work.subject, units, part.parameters, self._read, self._progress):
                if keys[id(unit)] not in waiting:
                    continue
                job = waiting[keys[id(unit)]].job
                done = write_result(work.store, job, result)
                record = keep(work.store, job, done, time.perf_counter() - started, self._device)
                del waiting[keys[id(unit)]]  # only now: an answer that cannot be written is a failed job
                yield record, True
                if not waiting:
                    break
                started = time.perf_counter()
        except StoreError:
            raise
        except Exception as error:  # every other failure belongs to these jobs: it is recorded and shown
            if work.debug:
                raise
            outcome = Skipped(reason=str(error)) if isinstance(error, NoAnswerError) else failure(error)
            seconds = (time.perf_counter() - started) / len(waiting) if waiting else 0.0
            for planned in waiting.values():
                yield keep(work.store, planned.job, outcome, seconds, self._device), True

    def _missing_needs(self, planned: PlannedUnit) -> str | None:
        for analysis, unit, _role in planned.unit.needs:
            if self._needed(analysis, unit) is None:
                return f"it needs the answer of {analysis} about {unit}, which failed"
        return None

    def _needed(self, analysis: str, unit: str) -> Done | None:
        """Return an answer that later jobs read, from its file once: many read the same, and it may be large."""
        key = self._work.plan.key_of(analysis, unit)
        if key not in self._answered:
            record = self._work.store.record(key)
            if record is None or not isinstance(record.outcome, Done):
                return None
            self._answered[key] = record.outcome
        return self._answered[key]

    def _read(self, analysis: str, unit: str, role: str) -> Arrays:
        store = self._work.store
        done = self._needed(analysis, unit)
        artifact = done.artifact(role, "data") if done else None
        if artifact is None:
            raise StoreError(f"{store.folder} lacks the {role} of {unit}: remove the folder and compute again.")
        return read_data(store.path(artifact))
