"""Processes that tests start: with a terminal's signals, bounded in time, and surely ended with all they started."""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import signal
import subprocess
import sys
import tempfile
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


class Loaded:
    """A running command of reportgen, asked as a `Running` one is: a copy of a process with the libraries loaded."""

    def __init__(self, words: Sequence[str], cwd: Path, env: Mapping[str, str], folder: Path) -> None:
        self._words, self._said, self._complained = words, folder / "said", folder / "complained"
        arguments = ([*words], cwd, dict(env), self._said, self._complained)
        self._process = _LOADED.Process(target=_as_reportgen, args=arguments)
        self._process.start()

    @property
    def returncode(self) -> int | None:
        """How it ended; None while it runs."""
        return self._process.exitcode

    def poll(self) -> int | None:
        """Return how it ended; None while it runs."""
        return self.returncode

    def communicate(self, timeout: float | None = None) -> tuple[str, str]:
        """Wait for its end and return what it said and complained; raises TimeoutExpired when it takes longer."""
        self._process.join(timeout)
        if self.returncode is None:
            raise subprocess.TimeoutExpired(reportgen_command(*self._words), timeout or 0.0)
        return self._said.read_text("utf-8"), self._complained.read_text("utf-8")

    def end(self) -> None:
        """Kill it and all that it started."""
        assert self._process.pid is not None
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.join(LONGEST)


@contextmanager
def loaded(*words: object, cwd: Path, env: Mapping[str, str] | None = None) -> Iterator[Loaded]:
    """Start reportgen in a folder, in a process of its own that has the libraries loaded already.

    Loading them takes longer than most of what tests ask for. What must start as from a shell takes `child` or `run`.
    """
    with tempfile.TemporaryDirectory() as folder:
        process = Loaded([*map(str, words)], cwd, os.environ if env is None else env, Path(folder))
        try:
            yield process
        finally:
            process.end()


def reportgen(*words: object, cwd: Path, env: Mapping[str, str] | None = None, timeout: float = LONGEST) -> Finished:
    """Run reportgen in a folder to its end, as `loaded` starts it."""
    with loaded(*words, cwd=cwd, env=env) as process:
        said, complained = process.communicate(timeout)
        assert process.returncode is not None
        return subprocess.CompletedProcess(reportgen_command(*words), process.returncode, said, complained)


#: Processes that start as copies of one that has loaded what every command needs; that one has no threads.
_LOADED = multiprocessing.get_context("forkserver")
_LOADED.set_forkserver_preload(["tests.loaded"])


def _as_reportgen(words: list[str], cwd: Path, env: dict[str, str], said: Path, complained: Path) -> None:
    os.setsid()
    os.chdir(cwd)
    os.environ.clear()
    os.environ.update(env, OMP_NUM_THREADS="1")
    for path, stream in ((said, sys.stdout), (complained, sys.stderr)):
        with path.open("wb") as file:
            os.dup2(file.fileno(), stream.fileno())
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT):
        signal.signal(number, signal.default_int_handler if number == signal.SIGINT else signal.SIG_DFL)
    sys.argv = ["reportgen", *words]
    from reportgen.cli import main

    main()


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
