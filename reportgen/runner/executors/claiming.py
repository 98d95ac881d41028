"""One worker of several: it does those chunks of a plan that it can claim, and waits for what others do."""

from __future__ import annotations

import os
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from reportgen.errors import OutOfMemoryError, ReportgenError, StoreError
from reportgen.progress import Progress
from reportgen.records.jobs import Done, Failed, FailedAttempt, Job, Record, content_key
from reportgen.records.written import CLAIMS
from reportgen.runner.chunking import expected_seconds
from reportgen.runner.claims.claims import Claim, Claims, LeaseRules
from reportgen.runner.claims.files import ClaimFolder
from reportgen.runner.claims.queue import FEW, ChunkQueue, QueuedChunk
from reportgen.runner.claims.worker import LostClaimError, TryElsewhereError, work_through
from reportgen.runner.costs.work import Layers
from reportgen.runner.executors.base import Work
from reportgen.runner.executors.chunks import ChunkWorker
from reportgen.runner.executors.recording import error_sentence
from reportgen.runner.executors.worker_log import WorkerLog, attempt_of
from reportgen.runner.plan import MethodPlan, PlannedUnit
from reportgen.wording import command

_QUIET = 5.0
"""Seconds without anything to do after which a worker says what it waits for."""


@dataclass(frozen=True)
class ClaimingExecutor:
    """An executor (see `reportgen.runner.executors.base.Executor`) beside others that work at the same run."""

    rules: LeaseRules = field(default_factory=LeaseRules)

    def execute(self, work: Work, progress: Progress) -> Iterator[tuple[Record, bool]]:
        """Yield the record of every job to do, and whether it was computed now, here; others' come at the end."""
        worker = ChunkWorker(work, progress)
        chunks = _chunks_to_do(work)
        name = worker_name()
        claims = Claims(
            ClaimFolder(work.store.folder, CLAIMS), name, time.monotonic, self.rules, is_gone=has_certainly_ended
        )
        wait = _telling(progress, self.rules.lease)
        queue = ChunkQueue(claims, _queued(chunks, work.subject.layers), wait=wait, seed=int(content_key(name)[:8], 16))
        seen: set[str] = set()
        log = WorkerLog(work.store, name)

        def compute(claim: Claim) -> Iterator[tuple[Record, bool]]:
            chunk = chunks[claim.chunk]
            yield from worker.do_chunk(chunk.part, chunk.wanted, _ClaimWatch(claims, claim, log))

        def is_whole(claim: Claim) -> bool:
            return all(work.store.record(key) is not None for key in chunks[claim.chunk].others)

        with log.crashes(), _Heartbeat(claims, self.rules.beat) as heartbeat:
            for record, computed in work_through(
                queue, claims, compute=compute, beating=heartbeat.of, is_whole=is_whole
            ):
                seen.add(record.key)
                yield record, computed
        for part in work.plan.parts:
            for skip in part.skips:
                if work.only is None or skip.job.key in work.only:
                    yield worker.keep_skipped(skip.job, skip.reason), True
        yield from self._of_others(work, chunks, seen)

    def _of_others(self, work: Work, chunks: dict[str, _Chunk], seen: set[str]) -> Iterator[tuple[Record, bool]]:
        for chunk in chunks.values():
            for planned in chunk.wanted:
                if planned.job.key in seen:
                    continue
                record = work.store.record(planned.job.key)
                if record is None:
                    raise StoreError(
                        f"{work.store.folder} lacks the record of {planned.job.unit}, which another worker did: "
                        f"{command('compute')} computes what is missing."
                    )
                yield record, False


def _telling(progress: Progress, lease: float) -> Callable[[float], None]:
    """Return what waits, and says once why nothing happens: after a reboot it may be for workers that are no more."""
    idle = 0.0

    def wait(seconds: float) -> None:
        nonlocal idle
        if idle < _QUIET <= idle + seconds:
            progress.note(
                "Other workers hold what is left: waiting for them. What a dead one held is taken over when nothing "
                f"has been heard of it for {lease:.0f} s."
            )
        idle += seconds
        time.sleep(seconds)

    return wait


@dataclass(frozen=True)
class _ClaimWatch:
    """Tells others which job is at hand, and stops where the chunk has been taken over."""

    claims: Claims
    claim: Claim
    log: WorkerLog

    def spent(self, job: Job) -> Failed | None:
        """Return what is recorded of a job that is not to be tried any more: it ended as many workers as it may."""
        if not self.claims.is_spent(self.claim, job.key):
            return None
        attempts = self._earlier(job)
        ends = "; ".join(dict.fromkeys(attempt.ended for attempt in attempts))
        message = f"{len(attempts)} workers tried it, and each attempt ended without an answer: {ends}."
        return Failed(message=message, error="WorkerEnded", attempts=attempts)

    def one_by_one(self) -> bool:
        """Whether the chunk ended its workers, and it is not known which of its jobs did."""
        return self.claims.is_suspect(self.claim)

    def begin(self, job: Job, *, alone: bool) -> None:
        """Tell which job is at hand."""
        if not self.claims.begin(self.claim, job.key, alone=alone):
            raise LostClaimError
        self.log.begin(job)

    def failed(self, job: Job, error: Exception, *, alone: bool) -> tuple[FailedAttempt, ...]:
        """Leave to another worker what may be this one's fault: its memory, its device, its installation."""
        own = isinstance(error, ReportgenError) and not isinstance(error, OutOfMemoryError)
        earlier = self._earlier(job)
        self.log.failed(job, error)
        if not own and not (alone and len(earlier) + 1 >= self.claims.rules.attempts):
            raise TryElsewhereError(error_sentence(error)) from error
        return (*earlier, attempt_of(self.log.store.folder, self.log.worker, job.key, error_sentence(error)))

    def _earlier(self, job: Job) -> tuple[FailedAttempt, ...]:
        """Return what is known of the earlier attempts at a job, and at the chunk where all of it was tried."""
        found = (attempt for attempt in self.claim.failed if attempt.job == job.key or not attempt.alone)
        folder = self.log.store.folder
        return tuple(
            attempt_of(folder, one.worker, one.job, one.why) if one.worker else FailedAttempt(ended=one.why)
            for one in found
        )


class _Heartbeat:
    """A thread that tells others that this worker lives, while it holds a chunk."""

    def __init__(self, claims: Claims, seconds: float) -> None:
        self._claims = claims
        self._seconds = seconds
        self._claim: Claim | None = None
        self._lock = threading.Lock()
        self._end = threading.Event()
        self._thread = threading.Thread(target=self._run, name="heartbeat", daemon=True)

    def __enter__(self) -> _Heartbeat:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._end.set()
        self._thread.join()

    @contextmanager
    def of(self, claim: Claim) -> Iterator[None]:
        """Tell it of this claim within the context."""
        with self._lock:
            self._claim = claim
        try:
            yield
        finally:
            with self._lock:
                self._claim = None

    def _run(self) -> None:
        while not self._end.wait(self._seconds):
            with self._lock:
                if self._claim is None:
                    continue
                try:
                    self._claims.beat(self._claim)
                except StoreError:
                    continue  # the disk stalls or is full: the worker meets that itself where it writes


@dataclass(frozen=True)
class _Chunk:
    """What is wanted of a chunk, and the keys of its other jobs, which another worker may want."""

    part: MethodPlan
    wanted: list[PlannedUnit]
    others: list[str]


def _chunks_to_do(work: Work) -> dict[str, _Chunk]:
    """Return the chunks of which something is to be done; a name is the same for whoever has the same plan.

    That of a chunk of which only some jobs are selected is the whole chunk's: another worker may be at all of it.
    """
    found = {}
    for part in work.plan.parts:
        for group, units in part.chunks().items():
            wanted = [planned for planned in units if work.only is None or planned.job.key in work.only]
            if wanted:
                others = [planned.job.key for planned in units if work.only and planned.job.key not in work.only]
                digest = content_key([planned.job.key for planned in units])
                found[f"{part.method.name}/{group}/{digest}"] = _Chunk(part, wanted, others)
    return found


def forget_failures(work: Work) -> None:
    """Have the chunks computed anew that ended with failed or missing records: the next build tries them again.

    What another worker holds stays its own: workers by hand, or jobs of an earlier command, may still be at it.
    """
    files = ClaimFolder(work.store.folder, CLAIMS)
    claims = Claims(files, worker_name(), time.monotonic, is_gone=has_certainly_ended)
    claims.forget(
        name
        for name, chunk in _chunks_to_do(work).items()
        if not all(
            (record := work.store.record(planned.job.key)) is not None and isinstance(record.outcome, Done)
            for planned in chunk.wanted
        )
    )


def _queued(chunks: dict[str, _Chunk], layers: Layers) -> list[QueuedChunk]:
    """Return the chunks with those that must be done before each, and what each may take."""
    where = {planned.job.key: name for name, chunk in chunks.items() for planned in chunk.wanted}
    return [
        QueuedChunk(
            name,
            frozenset(where[key] for one in chunk.wanted for key in one.job.needs if key in where) - {name},
            expected_seconds([one.job for one in chunk.wanted], layers) if len(chunks) <= FEW else 0.0,
        )
        for name, chunk in chunks.items()
    ]


def worker_name() -> str:
    """Return a name of this process that no other one has, on this machine or another."""
    return f"{socket.gethostname()[:60]}.{_namespace()}.{os.getpid()}.{_started(os.getpid()) or time.time_ns()}"


def has_certainly_ended(name: str) -> bool:
    """Whether a worker was a process of this machine that is no more; False where that cannot be known."""
    parts = name.rsplit(".", 3)
    if len(parts) != 4 or not parts[2].isdecimal() or not _namespace():
        return False
    host, namespace, process, started = parts
    if host != socket.gethostname()[:60] or namespace != _namespace():
        return False
    return _started(int(process)) != started


_BOOT = Path("/proc/sys/kernel/random/boot_id")


def _namespace() -> str:
    """Return what tells this machine's processes from those of its containers, and of others of its name.

    The first namespace has the same number on every machine, so that the boot's random name stands before it. Empty
    where that is not known.
    """
    try:
        boot = _BOOT.read_text(encoding="ascii").strip().replace("-", "")[:12]
        return f"{boot}-{Path('/proc/self/ns/pid').stat().st_ino}" if boot else ""
    except (OSError, ValueError):
        return ""


def _started(process: int) -> str | None:
    """Return when a process began, in ticks since the machine did; None where there is none."""
    try:
        text = Path(f"/proc/{process}/stat").read_text(encoding="ascii", errors="replace")
    except OSError:
        return None
    fields = text.rpartition(")")[2].split()
    return None if fields[0] in ("Z", "X") else fields[19]
