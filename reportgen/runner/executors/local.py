"""This process does the work itself, one chunk after the other."""

from __future__ import annotations

from collections.abc import Iterator

from reportgen.progress import Progress
from reportgen.records.jobs import Record
from reportgen.runner.executors.base import Work
from reportgen.runner.executors.chunks import ChunkWorker, Unwatched
from reportgen.runner.executors.claiming import worker_name
from reportgen.runner.executors.worker_log import WorkerLog


class RecordedExecutor:
    """An executor (see `reportgen.runner.executors.base.Executor`) that computes nothing, and tells what is there."""

    def execute(self, work: Work, progress: Progress) -> Iterator[tuple[Record, bool]]:  # noqa: ARG002
        """Yield the records that are there."""
        for job in work.plan.jobs():
            if (work.only is None or job.key in work.only) and (record := work.store.record(job.key)) is not None:
                yield record, False


class LocalExecutor:
    """An executor (see `reportgen.runner.executors.base.Executor`) in this process."""

    def execute(self, work: Work, progress: Progress) -> Iterator[tuple[Record, bool]]:
        """Yield the record of every job to do, and whether it was computed now; it is kept before it is yielded."""
        worker = ChunkWorker(work, progress)
        watch = Unwatched(WorkerLog(work.store, worker_name()))
        for part in work.plan.parts:
            for skip in part.skips:
                if work.only is None or skip.job.key in work.only:
                    yield worker.keep_skipped(skip.job, skip.reason), True
            for chunk in part.chunks().values():
                wanted = [planned for planned in chunk if work.only is None or planned.job.key in work.only]
                yield from worker.do_chunk(part, wanted, watch)
