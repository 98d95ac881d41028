"""Workers as jobs of a SLURM cluster, submitted through submitit: one array of a few long ones.

A job of each kernel would not do: a small controller starts less than one a second, and arrays end at a thousand. The
store says what is done; the queue is asked only whether the workers are still there. What submitit hands to its jobs
are pickles: they lie in a folder of their own that only its owner may open, and a run's folder never has any.
"""

from __future__ import annotations

import os
import shlex
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType
from typing import Any

from reportgen.config.options import BuildOptions
from reportgen.config.slurm import SlurmOptions
from reportgen.errors import OptionError, StoreError
from reportgen.progress import SILENT, Progress
from reportgen.records.jobs import Record
from reportgen.records.os_errors import describe_os_error
from reportgen.runner.claims.claims import LeaseRules
from reportgen.runner.executors.base import Work
from reportgen.runner.executors.claiming import ClaimingExecutor
from reportgen.runner.executors.sharing import shared_out
from reportgen.runner.executors.slurm_queue import QueueNotes, cancel, look_at_queue, queued
from reportgen.wording import option

_LOOKS = 5.0
"""Seconds between questions to the controller, which serves everybody."""

_FALSE_STARTS = 6
"""How often in a row jobs may end while no record is kept: one that ends its worker does so four times at most."""

_REQUEUES = 10_000
_SIGNAL_BEFORE = 60
"""Seconds before its limit at which a job is told to end: a worker stops within a job's next step."""

_MOST_OF_THE_TIME = 0.7
"""Of a job's limit: what has taken as much when the job ends would not have ended in the next one either."""


@dataclass(frozen=True)
class SlurmWorker:
    """What a job does: it works at a run until nothing is left, and is queued again where its time is over."""

    run: str
    options: dict[str, object]

    def __call__(self) -> int:
        """Work, and return how many records were kept."""
        from reportgen.runner.one_worker import work_at

        _end_in_order()
        options = BuildOptions.model_validate(self.options)
        rules = LeaseRules(longest=_MOST_OF_THE_TIME * 60 * options.slurm.minutes)
        found = work_at(Path(self.run), options, ClaimingExecutor(rules), SILENT)
        return sum(tally.computed for tally in found.analyses.values())

    def checkpoint(self) -> Any:
        """Return what goes on when the job is queued again: the same, since the store knows what is done."""
        from submitit.helpers import DelayedSubmission

        return DelayedSubmission(self)


def _end_in_order() -> None:
    """Have SIGTERM end the work too, which submitit lets pass: a chunk would stay held until its lease is over.

    Of it and the warning before the limit the first one counts: the other must not disturb how the work is let go.
    """
    warned = {number: signal.getsignal(number) for number in (signal.SIGUSR1, signal.SIGUSR2)}
    own = [signal.SIGTERM, *(number for number, handler in warned.items() if callable(handler))]

    def end(number: int, frame: FrameType | None) -> None:
        for one in own:
            signal.signal(one, signal.SIG_IGN)
        if callable(handler := warned.get(signal.Signals(number))):
            handler(number, frame)  # has the job queued again, and exits
        sys.exit(128 + number)

    for one in own:
        signal.signal(one, end)


def _warning() -> str:
    """Return the signal that submitit takes for the end of a job's time."""
    from submitit.slurm.slurm import SlurmJobEnvironment

    return str(SlurmJobEnvironment.USR_SIG)


@dataclass(frozen=True)
class SlurmExecutor:
    """An executor (see `reportgen.runner.executors.base.Executor`) of `workers` jobs; `gpu` gives each one GPU."""

    workers: int
    options: Mapping[str, object]
    slurm: SlurmOptions
    threads: int
    gpu: bool = False
    looks: float = _LOOKS

    def execute(self, work: Work, progress: Progress) -> Iterator[tuple[Record, bool]]:
        """Yield the record of every job to do as soon as some worker has kept it, and whether that was now."""
        check_slurm()
        yield from shared_out(work, progress, lambda: _Jobs(self, work.store.folder, progress))


def check_slurm() -> None:
    """Raise OptionError where there is no SLURM here, or no submitit."""
    try:
        import submitit  # noqa: F401
    except ImportError as error:
        raise OptionError(
            f"{option('--executor', 'slurm')} needs submitit: pip install 'reportgen-conv3d[slurm]', or start "
            "`reportgen work` by hand."
        ) from error
    missing = [name for name in ("sbatch", "squeue", "srun") if shutil.which(name) is None]
    if missing:
        raise OptionError(
            f"There is no SLURM on this machine ({missing[0]} is not found): run this where jobs are submitted, or "
            f"use {option('--executor', 'local')}."
        )


@dataclass
class _Jobs:
    """The jobs of the workers; those that are left end with the context."""

    executor: SlurmExecutor
    run: Path
    progress: Progress
    kept: int = 0
    _ids: list[str] = field(default_factory=list)
    _asked: float = 0.0
    _missed: bool = False
    _false_starts: int = 0
    _kept_before: int = 0
    _refused: bool = False
    _cancelled: frozenset[str] = frozenset()
    _told: QueueNotes = field(init=False)

    def __post_init__(self) -> None:
        self._told = QueueNotes(self.progress)

    @property
    def _folder(self) -> Path:
        return self.run.resolve().parent / f".slurm-{self.run.name}"

    def __enter__(self) -> _Jobs:
        try:
            self._folder.mkdir(mode=0o700, exist_ok=True)
            # Whoever may write in it can have the jobs run any program.
            if self._folder.is_symlink() or self._folder.stat().st_uid != os.geteuid():
                raise StoreError(
                    f"{self._folder} is a link or another user's: remove it, or use another folder of runs."
                )
            self._folder.chmod(0o700)
        except OSError as error:
            raise StoreError(describe_os_error(error, self._folder)) from error
        self._submit(self.executor.workers)
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        if self._cancel() and kind is None:
            self._tidy_up()

    def _cancel(self) -> bool:
        """Take the jobs that are left out of the queue; where SLURM does not do that, say so and return False."""
        if cancel(self._ids):
            return True
        asked = shlex.join(["scancel", *self._ids])
        self.progress.note(f"SLURM does not answer, and workers may still be in its queue: {asked}")
        return False

    def _tidy_up(self) -> None:
        """Remove pickles and logs that nobody needs any more: jobs of a command that was killed may still want theirs.

        Without its pickle such a job ends at once when it is started, and nothing follows it.
        """
        files = list(self._folder.iterdir()) if self._folder.is_dir() else []
        others = {job for path in files if (job := path.name.partition("_")[0]).isdecimal()} - set(self._ids)
        there = queued(others)
        kept = others if there is None else {job.partition("_")[0] for job in there}
        for path in files:
            if path.name.partition("_")[0] not in kept:
                with suppress(OSError):
                    path.unlink()
        with suppress(OSError):  # somebody's files are in it
            self._folder.rmdir()

    def is_over(self, *, lacking: bool) -> bool:
        """Whether no job is left; jobs that ended while records are `lacking` are followed by others."""
        now = time.monotonic()
        if now - self._asked < self.executor.looks:
            return False
        self._asked = now
        there = self._in_queue()
        if not lacking:
            return there == 0
        missing = self.executor.workers - there
        # Twice in a row: a job that has just ended may have kept the last record, which the next look finds.
        if missing and self._missed:
            self._follow(missing, alone=not there)
            missing = 0
        self._missed = missing > 0
        return False

    def _follow(self, missing: int, *, alone: bool) -> None:
        """Submit workers for those that have ended, but for those that were cancelled; `alone` where none is left.

        One node that ends every job at once, or a limit of jobs, does not end those that are left elsewhere. Raises
        StoreError where one after the other ends and nothing comes of them, or all were cancelled, OptionError where
        SLURM takes no more.
        """
        missing -= len(self._cancelled)
        if missing <= 0 and alone:
            raise StoreError(
                "The workers' jobs were cancelled (scancel): finished work is kept, and the same command goes on."
            )
        if missing <= 0:
            return
        self._false_starts = self._false_starts + 1 if self.kept == self._kept_before else 0
        if self._false_starts > _FALSE_STARTS and not alone:
            return  # until one of those that are left has kept something
        if self._false_starts > _FALSE_STARTS:
            raise StoreError(f"The workers' jobs end, and nothing comes of them: {self._last_words()}")
        try:
            self._submit(missing)
        except OptionError as error:  # a limit of the user's jobs, or a partition that is closed for now
            if alone:
                raise
            if not self._refused:
                self.progress.note(f"{error} The workers that are left go on.")
            self._refused = True

    def _submit(self, count: int) -> None:
        """Submit an array of so many workers."""
        import submitit

        slurm = self.executor.slurm
        worker = SlurmWorker(str(self.run.resolve()), dict(self.executor.options))
        # The warning reaches a job's steps or its shell, not what the shell has started: the worker takes its place.
        python = f"exec {shlex.quote(sys.executable)}"
        jobs = submitit.SlurmExecutor(self._folder, max_num_timeout=_REQUEUES, python=python)
        jobs.update_parameters(
            job_name=f"reportgen-{self.run.name}"[:60],
            time=slurm.minutes,
            partition=slurm.partition,
            account=slurm.account,
            mem=slurm.memory,
            cpus_per_task=slurm.processors or self.executor.threads,
            gpus_per_node=1 if self.executor.gpu else None,
            array_parallelism=count,
            stderr_to_stdout=True,
            use_srun=False,
            additional_parameters={**slurm.further(), "signal": f"B:{_warning()}@{_SIGNAL_BEFORE}"},
        )
        try:
            with jobs.batch():
                submitted = [jobs.submit(worker) for _ in range(count)]
        except OSError as error:  # its scripts and pickles cannot be written
            raise StoreError(describe_os_error(error, self._folder)) from error
        except (submitit.core.utils.FailedJobError, subprocess.CalledProcessError) as error:
            if count > 1 and "array" in str(error):  # longer than the cluster takes
                self._submit(count // 2)
                self._submit(count - count // 2)
                return
            raise OptionError(f"SLURM does not take the jobs: {str(error).strip().splitlines()[-1]}") from error
        self._ids += sorted({job.job_id.partition("_")[0] for job in submitted})
        self._kept_before = self.kept
        self.progress.note(f"{count} workers are in SLURM's queue as job {self._ids[-1]}; logs in {self._folder}.")

    def _in_queue(self) -> int:
        """Return how many of the workers wait or run; all of them where SLURM does not answer."""
        found = look_at_queue(self._ids)
        self._told.hear(found)
        if found is None:
            return self.executor.workers
        self._cancelled |= found.cancelled
        return len(found.there)

    def _last_words(self) -> str:
        """Return the last line of the newest log."""
        logs = sorted(self._folder.glob("*_log.out"), key=lambda path: path.stat().st_mtime)
        lines = logs[-1].read_text(encoding="utf-8", errors="replace").split("\n") if logs else []
        said = [line.strip() for line in lines if line.strip()]
        return said[-1][:300] if said else f"there is no log in {self._folder}."
