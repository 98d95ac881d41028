"""Work that others do: what is open goes to a crew of workers, and each record is passed on when it is there."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from typing import Protocol

from reportgen.errors import StoreError
from reportgen.progress import Progress
from reportgen.records.jobs import Done, Job, Record
from reportgen.records.written import check_not_moved
from reportgen.runner.executors.base import Work
from reportgen.runner.executors.chunks import ChunkWorker
from reportgen.runner.executors.claiming import forget_failures

_LOOKS = 0.2
_SPARED = 10.0
"""A look at a folder of many records takes time: so many times as long nobody looks again."""


class Crew(Protocol):
    """Workers that share a plan by claims; `kept` is told how many records there are of them."""

    kept: int

    def is_over(self, *, lacking: bool) -> bool:
        """Whether none of them is left, or is needed; `lacking` says that records are missing.

        A worker that ended before its time is followed by another one. Raises StoreError where nothing comes of them.
        """
        ...


def shared_out(
    work: Work, progress: Progress, crew: Callable[[], AbstractContextManager[Crew]]
) -> Iterator[tuple[Record, bool]]:
    """Yield the record of every job to do as soon as some worker has kept it, and whether that was now.

    A crew is called for only where something is open.
    """
    own = ChunkWorker(work, progress)
    open_jobs: list[Job] = []
    for part in work.plan.parts:
        for skip in part.skips:
            if work.only is None or skip.job.key in work.only:
                yield own.keep_skipped(skip.job, skip.reason), True
        for planned in part.units:
            if work.only is not None and planned.job.key not in work.only:
                continue
            record = work.store.record(planned.job.key)
            if record is not None and isinstance(record.outcome, Done):
                yield record, False
            else:
                open_jobs.append(planned.job)
    if not open_jobs:
        return
    forget_failures(work)
    with progress.task("Computing", len(open_jobs)) as task, crew() as workers:
        for record in _kept(work, open_jobs, workers):
            task.advance()
            yield record, True


def _kept(work: Work, jobs: Sequence[Job], crew: Crew) -> Iterator[Record]:
    """Yield each job's record when it is there and the crew has done with it."""
    waiting = {job.key: job for job in jobs}
    # Failed jobs that are tried again have a record already, which counts when it is another one or nobody is left.
    stale = {key: record.spent for key in waiting if (record := work.store.record(key))}
    while True:
        began = time.monotonic()
        check_not_moved(work.store.folder)  # or its workers would end one after the other
        there = work.store.keys()
        over = crew.is_over(lacking=any(key not in there for key in waiting))
        there = work.store.keys() if over else there
        for key in [key for key in waiting if key in there]:
            record = work.store.record(key)
            if record is not None and (over or record.spent != stale.get(key)):
                del waiting[key]
                crew.kept += 1
                yield record
        if over or not waiting:
            break
        time.sleep(max(_LOOKS, _SPARED * (time.monotonic() - began)))
    if waiting:
        raise StoreError(f"{work.store.folder} lacks {len(waiting)} records that its workers were to keep: run again.")
