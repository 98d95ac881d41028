"""A worker's log in the run's folder: which job it began when, and the traceback of each that failed.

It is what tells of a job that ended its worker without an exception: the job that was at hand is the last one in it,
and behind that stands what Python could still say of a crash. Only its worker writes to it; others read it.
"""

from __future__ import annotations

import faulthandler
import re
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from reportgen.errors import StoreError, printable
from reportgen.records.jobs import FailedAttempt, Job, content_key
from reportgen.records.os_errors import describe_os_error
from reportgen.records.paths import LOGS, inside
from reportgen.records.store import Store

LINES = 20
"""Of a log, in a record."""

_LONGEST_LINE = 300
_READ = 1 << 16
"""Bytes at the end of a log that are looked through for a job."""

_HEAD = "== "
_FOLDERS_OF_CODE = re.compile(r'(?<=File ")[^"\n]*/(?:site-packages|dist-packages|python3\.\d+)/')
_FOLDERS = re.compile(r'(?<=File ")(?:[^"\n]*/)?([^"/\n]+/[^"/\n]+)(?=")')


def host_of(worker: str) -> str:
    """Return the machine that a worker's name begins with (see `claiming.worker_name`)."""
    return worker.rsplit(".", 3)[0]


@dataclass(frozen=True)
class WorkerLog:
    """The log of one worker at one run; there is a file only once something has been written."""

    store: Store
    worker: str

    @property
    def path(self) -> str:
        """Where it lies, relative to the run's folder."""
        return log_path(self.worker)

    def begin(self, job: Job) -> None:
        """Write that a job is at hand. Raises StoreError."""
        now = datetime.now(UTC).isoformat(timespec="seconds")
        self._append(f"{_HEAD}{job.key} {now} {job.analysis} {job.unit}\n")

    def failed(self, job: Job, error: BaseException) -> None:
        """Write the traceback of an error of a job. Raises StoreError."""
        self.begin(job)
        self._append("".join(traceback.format_exception(error)))

    @contextmanager
    def crashes(self) -> Iterator[None]:
        """Have Python write to the log where the process crashes within the context, if nobody else is told of it."""
        if faulthandler.is_enabled():
            yield
            return
        with self.store.growing(self.path).open("a", encoding="utf-8") as file:
            faulthandler.enable(file)
            try:
                yield
            finally:
                faulthandler.disable()

    def _append(self, text: str) -> None:
        path = self.store.growing(self.path)
        try:
            with path.open("a", encoding="utf-8", errors="replace") as file:
                file.write(text)
        except OSError as error:
            raise StoreError(describe_os_error(error, path)) from error


def log_path(worker: str) -> str:
    """Return where the log of a worker lies, relative to the run's folder."""
    digest = content_key(worker)[:8]
    return f"{LOGS}/{digest[:2]}/{digest}.txt"


def attempt_of(folder: Path, worker: str, job: str, ended: str) -> FailedAttempt:
    """Return what a record says of a worker's attempt at the job of a key, with what that worker's log says of it."""
    path = log_path(worker)
    try:
        lines = _lines(inside(folder, path), job)
    except (OSError, StoreError):  # it was never written, or is no file by now
        return FailedAttempt(machine=host_of(worker), ended=ended)
    return FailedAttempt(machine=host_of(worker), ended=ended, log=path, lines=lines)


def _lines(path: Path, key: str) -> tuple[str, ...]:
    """Return the last lines of a log about a job: a line that names it, and what follows.

    Of several times that it was begun the last one counts of which something was said.
    """
    with path.open("rb") as file:
        size = file.seek(0, 2)
        file.seek(max(0, size - _READ))
        text = file.read(_READ).decode("utf-8", "replace")
    entries = text.split(f"\n{_HEAD}") if not text.startswith(_HEAD) else f"\n{text}".split(f"\n{_HEAD}")[1:]
    own = [entry.rstrip() for entry in entries if entry.startswith(key)]
    lines = max(reversed(own), key=lambda entry: "\n" in entry).split("\n") if own else []
    return tuple(printable(_shortened(line))[:_LONGEST_LINE] for line in (lines[:3] + lines[3:][-(LINES - 3) :]))


def _shortened(line: str) -> str:
    """Return a line of a traceback without the folders in which somebody keeps the code."""
    return _FOLDERS.sub(r"\1", line) if not _FOLDERS_OF_CODE.search(line) else _FOLDERS_OF_CODE.sub("", line)
