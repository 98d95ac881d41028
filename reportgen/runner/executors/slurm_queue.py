"""What SLURM's controller is asked and told of jobs: it serves everybody, restarts, and may not answer."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from reportgen.progress import Progress

_PATIENCE = 60.0
"""Seconds that an answer may take."""


_SILENT = 3
"""Looks without an answer after which that is told."""

_JOB = re.compile(r"(\d+(?:_\d+)?)\|([A-Z_]+)\|(.*)")
"""A line of an answer; a shell that is set up for people may say more on the same stream."""

_ENDED = frozenset(
    ("BOOT_FAIL", "CANCELLED", "COMPLETED", "DEADLINE", "FAILED", "NODE_FAIL", "OUT_OF_MEMORY", "PREEMPTED", "TIMEOUT")
)


@dataclass(frozen=True)
class Queue:
    """What SLURM says of some jobs: those that wait or run, and those that somebody has cancelled.

    `waits_for` is why none of them has begun, in SLURM's words; empty where one has, or none is left. What has been
    over for some minutes is not told of any more.
    """

    there: frozenset[str]
    cancelled: frozenset[str] = frozenset()
    waits_for: str = ""


def look_at_queue(jobs: Iterable[str]) -> Queue | None:
    """Return what SLURM says of some arrays' jobs; None where it does not answer."""
    asked = sorted(jobs)
    if not asked:
        return Queue(frozenset())
    command = ["squeue", "--noheader", "--array", "--states=all", "--format=%i|%T|%r", f"--jobs={','.join(asked)}"]
    try:
        answer = subprocess.run(command, check=False, capture_output=True, text=True, timeout=_PATIENCE)  # noqa: S603
    except (OSError, subprocess.TimeoutExpired):
        return None
    if answer.returncode and "Invalid job id" not in answer.stderr:
        return None  # the controller restarts, or is busy: it is asked again
    told = [found.groups() for line in answer.stdout.splitlines() if (found := _JOB.fullmatch(line.strip()))]
    there = [(job, state, reason) for job, state, reason in told if state not in _ENDED]
    begun = any(state != "PENDING" for _, state, _ in there)
    return Queue(
        frozenset(job for job, _, _ in there),
        frozenset(job for job, state, _ in told if state == "CANCELLED"),
        "" if begun else ", ".join(sorted({reason for _, _, reason in there})),
    )


def queued(jobs: Iterable[str]) -> frozenset[str] | None:
    """Return those of some arrays' jobs that wait or run; None where SLURM does not answer."""
    found = look_at_queue(jobs)
    return None if found is None else found.there


def cancel(jobs: Sequence[str]) -> bool:
    """Take some arrays' jobs out of the queue, those that run too; False where some may still be there."""
    if not jobs:
        return True
    try:  # a second Ctrl-C, which the terminal sends to all of a group, is not to end it
        done = subprocess.run(  # noqa: S603
            ["scancel", *jobs],  # noqa: S607
            check=False,
            capture_output=True,
            timeout=_PATIENCE,
            start_new_session=True,
        )
    except (OSError, subprocess.TimeoutExpired):
        return False
    return done.returncode == 0 or queued(jobs) == frozenset()  # it complains of jobs that have ended, too


@dataclass
class QueueNotes:
    """Says why nothing happens, once: SLURM does not answer, or none of the jobs has begun."""

    progress: Progress
    _silent: int = 0
    _waited: str = ""
    _said: set[str] = field(default_factory=set)

    def hear(self, found: Queue | None) -> None:
        """Hear an answer; what passes by itself, such as a restart or a turn of the scheduler, is no news."""
        self._silent = self._silent + 1 if found is None else 0
        if self._silent == _SILENT:
            self.progress.note("SLURM does not answer: its workers go on, and it is asked again.")
        waits_for = found.waits_for if found else ""
        if waits_for and waits_for == self._waited and waits_for not in self._said:
            self._said.add(waits_for)
            self.progress.note(f"None of the workers' jobs has begun. They wait for this, as SLURM says: {waits_for}.")
        self._waited = waits_for
