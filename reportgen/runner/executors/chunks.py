"""How the jobs of a chunk are done and kept, whoever does them."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol

from reportgen.analyses.base import Arrays
from reportgen.errors import NetworkError, NoAnswerError, StoreError, for_pages
from reportgen.media import read_data
from reportgen.progress import Progress
from reportgen.records.figures import Result
from reportgen.records.jobs import Done, Failed, FailedAttempt, Job, Outcome, Record, Skipped
from reportgen.runner.claims.worker import ChunkLeftError
from reportgen.runner.executors.base import Work
from reportgen.runner.executors.recording import error_sentence, failure, keep, write_result
from reportgen.runner.executors.worker_log import WorkerLog, attempt_of
from reportgen.runner.plan import MethodPlan, PlannedUnit


class ChunkWatch(Protocol):
    """What is asked and told while a chunk is computed; where others compute too, each may raise ChunkLeftError."""

    def spent(self, job: Job) -> Failed | None:
        """Return what is recorded of a job that is not to be tried any more, None where it is."""
        ...

    def one_by_one(self) -> bool:
        """Whether each job is to be computed alone, since one of the chunk ended its workers."""
        ...

    def begin(self, job: Job, *, alone: bool) -> None:
        """Hear which job is at hand."""
        ...

    def failed(self, job: Job, error: Exception, *, alone: bool) -> tuple[FailedAttempt, ...]:
        """Hear of an error, and return what its record is to say of the attempts at the job."""
        ...


@dataclass(frozen=True)
class Unwatched:
    """Nobody else computes."""

    log: WorkerLog

    def spent(self, job: Job) -> Failed | None:
        """Every job is tried."""

    def one_by_one(self) -> bool:
        """A job that ends this process ends the work."""
        return False

    def begin(self, job: Job, *, alone: bool) -> None:
        """Nobody wants to know."""

    def failed(self, job: Job, error: Exception, *, alone: bool) -> tuple[FailedAttempt, ...]:  # noqa: ARG002
        """Every error is recorded."""
        self.log.failed(job, error)
        return (attempt_of(self.log.store.folder, self.log.worker, job.key, error_sentence(error)),)


class ChunkWorker:
    """Does the chunks of one plan, and keeps the answers that later ones read."""

    def __init__(self, work: Work, progress: Progress) -> None:
        self._work = work
        self._progress = progress
        self._device = work.subject.network.device
        self._answered: dict[str, Done] = {}

    def keep_skipped(self, job: Job, reason: str) -> Record:
        """Keep and return the record of a job that cannot be done."""
        return keep(self._work.store, job, Skipped(reason=reason), 0.0, self._device)

    def do_chunk(self, part: MethodPlan, chunk: list[PlannedUnit], watch: ChunkWatch) -> Iterator[tuple[Record, bool]]:
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
            elif (failed := watch.spent(planned.job)) is not None:
                yield keep(self._work.store, planned.job, failed, 0.0, self._device), True
            else:
                whole.append(planned)
                waiting[planned.job.key] = planned
        if watch.one_by_one():
            for key, planned in waiting.items():
                yield from self._answer(part, [planned], {key: planned}, watch)
        elif waiting:
            yield from self._answer(part, whole, waiting, watch)

    def _answer(
        self, part: MethodPlan, whole: list[PlannedUnit], waiting: dict[str, PlannedUnit], watch: ChunkWatch
    ) -> Iterator[tuple[Record, bool]]:
        """Yield the records of the `waiting` jobs, computed among all of their chunk: a batch rounds by who is in it.

        What the chunk's finished jobs are answered with once more is let go, and nothing is computed behind the last
        one that waits.
        """
        work = self._work
        keys = {id(planned.unit): planned.job.key for planned in whole}
        units = [planned.unit for planned in whole]
        started = time.perf_counter()
        alone = len(waiting) == 1
        watch.begin(_at_hand(waiting), alone=alone)
        try:
            loaded = part.method.load()
            for unit, result in loaded.run(work.subject, units, part.parameters, self._read, self._progress):
                if keys[id(unit)] not in waiting:
                    continue
                job = waiting[keys[id(unit)]].job
                outcome = self._written(job, result, watch, alone=alone)
                record = keep(work.store, job, outcome, time.perf_counter() - started, self._device)
                del waiting[keys[id(unit)]]  # only now: an answer that cannot be written is a failed job
                yield record, True
                if not waiting:
                    break
                watch.begin(_at_hand(waiting), alone=alone)
                started = time.perf_counter()
        except (StoreError, ChunkLeftError):
            raise
        except Exception as error:  # every other failure belongs to these jobs: it is recorded and shown
            if work.debug:
                raise
            outcome = self._outcome(_at_hand(waiting), error, watch, alone=alone)
            seconds = (time.perf_counter() - started) / len(waiting) if waiting else 0.0
            for planned in waiting.values():
                yield keep(work.store, planned.job, outcome, seconds, self._device), True

    def _written(self, job: Job, result: Result | NetworkError, watch: ChunkWatch, *, alone: bool) -> Outcome:
        """Return what is recorded of what an analysis yields: an answer, whose figures are written, or why not."""
        if not isinstance(result, NetworkError):
            return write_result(self._work.store, job, result)
        if self._work.debug:
            raise result
        return self._outcome(job, result, watch, alone=alone)

    def _outcome(self, job: Job, error: Exception, watch: ChunkWatch, *, alone: bool) -> Skipped | Failed:
        """Return what is recorded of an error; raises ChunkLeftError where another worker is to try."""
        if isinstance(error, NoAnswerError):
            return Skipped(reason=for_pages(error))
        return failure(error, watch.failed(job, error, alone=alone))

    def _missing_needs(self, planned: PlannedUnit) -> str | None:
        for analysis, unit, _role in planned.unit.needs:
            if self._needed(analysis, unit) is None:
                record = self._work.store.record(self._work.plan.key_of(analysis, unit))
                skipped = record is not None and isinstance(record.outcome, Skipped)
                return f"it needs the answer of {analysis} about {unit}, which {'has none' if skipped else 'failed'}"
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


def _at_hand(waiting: dict[str, PlannedUnit]) -> Job:
    """Return the first of the jobs that wait: what a chunk's computation is about."""
    return next(iter(waiting.values())).job
