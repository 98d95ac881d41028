"""This process does the work itself, one chunk after the other."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from reportgen.progress import Progress
from reportgen.records.jobs import Record
from reportgen.records.written import held_chunks
from reportgen.runner.executors.base import Work
from reportgen.runner.executors.chunks import ChunkWorker, Unwatched
from reportgen.runner.executors.claiming import ClaimingExecutor, forget_failures, worker_name
from reportgen.runner.executors.worker_log import WorkerLog

_SPARED = 10.0
"""So many times as long as a look for other workers takes, nobody looks again."""


class RecordedExecutor:
    """An executor (see `reportgen.runner.executors.base.Executor`) that computes nothing, and tells what is there."""

    def execute(self, work: Work, progress: Progress) -> Iterator[tuple[Record, bool]]:  # noqa: ARG002
        """Yield the records that are there."""
        for job in work.plan.jobs():
            if (work.only is None or job.key in work.only) and (record := work.store.record(job.key)) is not None:
                yield record, False


@dataclass
class _Others:
    """Looks for other workers at a run; where that takes time, since there are many claims, it looks less often."""

    run: Path
    _again: float = 0.0

    def are_here(self) -> bool:
        """Whether a worker holds a chunk, as far as that has just been looked at."""
        began = time.monotonic()
        if began < self._again:
            return False
        found = held_chunks(self.run) > 0
        self._again = began + _SPARED * (time.monotonic() - began)
        return found


class LocalExecutor:
    """An executor (see `reportgen.runner.executors.base.Executor`) in this process.

    It claims nothing, and leaves nothing of claims behind, until a worker by hand comes to the run: from the next chunk
    on it is one worker beside that one.
    """

    def execute(self, work: Work, progress: Progress) -> Iterator[tuple[Record, bool]]:
        """Yield the record of every job to do, and whether it was computed now; it is kept before it is yielded."""
        worker = ChunkWorker(work, progress)
        watch = Unwatched(WorkerLog(work.store, worker_name()))
        seen: set[str] = set()
        others = _Others(work.store.folder)
        if held_chunks(work.store.folder):
            forget_failures(work)  # what an earlier command has left
        for part in work.plan.parts:
            for skip in part.skips:
                if work.only is None or skip.job.key in work.only:
                    seen.add(skip.job.key)
                    yield worker.keep_skipped(skip.job, skip.reason), True
            for chunk in part.chunks().values():
                if others.are_here():
                    beside = ClaimingExecutor().execute(work, progress)
                    yield from ((record, computed) for record, computed in beside if record.key not in seen)
                    return
                wanted = [planned for planned in chunk if work.only is None or planned.job.key in work.only]
                seen.update(planned.job.key for planned in wanted)
                yield from worker.do_chunk(part, wanted, watch)
