"""Processes that tests start: with a terminal's signals, bounded in time, and surely ended with all they started."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

Running = subprocess.Popen[str]
Finished = subprocess.CompletedProcess[str]

#: Seconds that a process may take on a slow, shared machine; shorter than the limit of a test, so that it is named.
LONGEST = 240.0

# A process inherits ignored signals, and so do its children: under `nohup make test` or `make test &` they would wait
# for an interrupt that never reaches them. Set right before the program starts, in the process itself: code between
# fork and exec is not safe where there are threads.
_LAUNCHER = """
import os, signal, sys
ignored = sys.argv[1].split(",")
for name in ("SIGINT", "SIGTERM", "SIGHUP", "SIGQUIT"):
    signal.signal(getattr(signal, name), signal.SIG_IGN if name in ignored else signal.SIG_DFL)
signal.pthread_sigmask(signal.SIG_SETMASK, [])
os.execvp(sys.argv[2], sys.argv[2:])
"""


@contextmanager
def child(
    command: Sequence[object],
    *,
    cwd: Path | None = None,
    env: Mapping[str, str] | None = None,
    ignored: Iterable[signal.Signals] = (),
) -> Iterator[Running]:
    """Start a process in a group of its own, which is killed at the end of the context with all that is left of it.

    It has the signals' usual effects whatever this process ignores; `ignored` ones are ignored from its start.
    """
    launcher = [sys.executable, "-I", "-S", "-c", _LAUNCHER, ",".join(number.name for number in ignored)]
    process = subprocess.Popen(
        [*launcher, *map(str, command)],
        cwd=cwd,
        env=env,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        encoding="utf-8",
        start_new_session=True,
    )
    try:
        yield process
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait(timeout=LONGEST)
        for stream in (process.stdout, process.stderr):
            if stream is not None:
                stream.close()


def run(
    command: Sequence[object],
    *,
    cwd: Path | None = None,
    env: Mapping[str, str] | None = None,
    timeout: float = LONGEST,
) -> Finished:
    """Run a process to its end and return what it said; raises TimeoutExpired when it takes longer."""
    with child(command, cwd=cwd, env=env) as process:
        said, complained = process.communicate(timeout=timeout)
        return subprocess.CompletedProcess(list(command), process.returncode, said, complained)


def run_python(code: str, *, cwd: Path | None = None) -> Finished:
    """Run a few lines of Python in a process of their own."""
    return run([sys.executable, "-c", code], cwd=cwd)


def reportgen_command(*words: object) -> list[str]:
    """Return the command line of reportgen."""
    return [sys.executable, "-m", "reportgen", *map(str, words)]


def reportgen(*words: object, cwd: Path, timeout: float = LONGEST) -> Finished:
    """Run reportgen in a folder, on one thread: the tests' processes share the cores."""
    return run(reportgen_command(*words), cwd=cwd, env=one_thread(), timeout=timeout)


def one_thread() -> dict[str, str]:
    """Return this process's environment for a process that computes on one thread."""
    return {**os.environ, "OMP_NUM_THREADS": "1"}


def alive(group: int) -> bool:
    """Whether any process of a group is left."""
    try:
        os.killpg(group, 0)
    except ProcessLookupError:
        return False
    return True
