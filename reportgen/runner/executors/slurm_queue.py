"""What SLURM's controller is asked and told of jobs: it serves everybody, restarts, and may not answer."""

from __future__ import annotations

import subprocess
from collections.abc import Iterable, Sequence

_PATIENCE = 60.0
"""Seconds that an answer may take."""


def queued(jobs: Iterable[str]) -> list[str] | None:
    """Return those of some arrays' jobs that wait or run; None where SLURM does not answer."""
    asked = sorted(jobs)
    if not asked:
        return []
    command = ["squeue", "--noheader", "--array", "--format=%i", f"--jobs={','.join(asked)}"]
    try:
        answer = subprocess.run(command, check=False, capture_output=True, text=True, timeout=_PATIENCE)  # noqa: S603
    except (OSError, subprocess.TimeoutExpired):
        return None
    if answer.returncode and "Invalid job id" not in answer.stderr:
        return None  # the controller restarts, or is busy: it is asked again
    return answer.stdout.split()


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
    return done.returncode == 0 or queued(jobs) == []  # it complains of jobs that have ended, too
