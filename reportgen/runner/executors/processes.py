"""Several processes of this machine work at a plan, each with its own copy of the network.

They share the work by claims (`reportgen.runner.claims`), so that workers that were started elsewhere may help. The
store alone says what is done; a process that ends before its time is followed by another one.
"""

from __future__ import annotations

import json
import subprocess
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

from reportgen.errors import StoreError
from reportgen.isolated import clean_environment, module_command
from reportgen.progress import Progress
from reportgen.records.jobs import Record
from reportgen.runner.executors.base import Work
from reportgen.runner.executors.sharing import shared_out

MODULE = "reportgen.runner.executors.worker_process"
_ENDS_WITHIN = 30.0
_FALSE_STARTS = 2
_KILLED_STARTS = 5
"""How often in a row each worker may end, by itself or killed, while none keeps anything: then the work is given up."""


@dataclass(frozen=True)
class ProcessesExecutor:
    """An executor (see `reportgen.runner.executors.base.Executor`) of `workers` processes.

    `options` are those of the build as plain data, and `devices` the numbers of the GPUs that they share out, none for
    the device that the options name.
    """

    workers: int
    options: Mapping[str, object]
    devices: Sequence[int] = ()

    def execute(self, work: Work, progress: Progress) -> Iterator[tuple[Record, bool]]:
        """Yield the record of every job to do as soon as some worker has kept it, and whether that was now."""
        yield from shared_out(work, progress, lambda: _Processes(self, work.store.folder, progress))


class _Processes:
    """The processes; they end with the context, whatever ends that."""

    def __init__(self, executor: ProcessesExecutor, run: Path, progress: Progress) -> None:
        self._executor = executor
        self._progress = progress
        self._asked = json.dumps({"run": str(run), "options": dict(executor.options)}) + "\n"
        self._hands = [_Hand(number) for number in range(executor.workers)]
        self._false_starts = 0
        self.kept = 0

    def __enter__(self) -> _Processes:
        for hand in self._hands:
            self._start(hand)
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        for hand in self._hands:
            hand.end()
        if kind is not None and issubclass(kind, KeyboardInterrupt):
            self._progress.note("Stopping: the workers let go of what they are at. Ctrl-C again does not wait for it.")
        for hand in self._hands:
            hand.wait()

    def _start(self, hand: _Hand) -> None:
        devices = self._executor.devices
        more = {"CUDA_VISIBLE_DEVICES": str(devices[hand.number % len(devices)])} if devices else {}
        hand.start(self._asked, clean_environment(**more), self.kept)

    def is_over(self, *, lacking: bool) -> bool:
        """Whether all processes have ended in order; one that did not is followed by another one.

        Raises StoreError where one after the other ends and nothing comes of it.
        """
        for hand in self._hands:
            code = hand.process.poll() if hand.process else 0
            if not code or not lacking:
                continue
            self._false_starts = self._false_starts + 1 if self.kept == hand.kept_before else 0
            most = _KILLED_STARTS if code < 0 else _FALSE_STARTS
            if self._false_starts >= most * len(self._hands):
                raise StoreError(f"The workers end one after the other (exit code {code}): {hand.last_words()}")
            self._start(hand)
        return all(hand.process is not None and hand.process.poll() is not None for hand in self._hands)


@dataclass
class _Hand:
    """One place for a process; `kept_before` are the records that were there when the process started."""

    number: int
    process: subprocess.Popen[str] | None = None
    log: IO[str] | None = None
    kept_before: int = field(default=0)

    def start(self, asked: str, environment: dict[str, str], kept: int) -> None:
        """Start a process, which ends with this one: it watches its standard input."""
        if self.log is None:
            self.log = tempfile.TemporaryFile("w+", encoding="utf-8", errors="replace")  # noqa: SIM115 (see `wait`)
        self.kept_before = kept
        self.process = subprocess.Popen(  # noqa: S603
            module_command(MODULE),
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=self.log,
            text=True,
            encoding="utf-8",
            env=environment,
            start_new_session=True,  # Ctrl-C reaches this process, which ends the others in order
        )
        assert self.process.stdin is not None
        try:
            self.process.stdin.write(asked)
            self.process.stdin.flush()
        except BrokenPipeError:
            return  # it has ended already: its exit code tells

    def end(self) -> None:
        """Ask the process to end: it lets its chunk go."""
        if self.process and self.process.poll() is None:
            self.process.terminate()

    def wait(self) -> None:
        """Wait for the process, and kill it where it does not end."""
        if self.process is None:
            return
        try:
            self.process.wait(_ENDS_WITHIN)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        if self.process.stdin:
            with suppress(BrokenPipeError):
                self.process.stdin.close()
        if self.log:
            self.log.close()

    def last_words(self) -> str:
        """Return the last line that the process said."""
        if self.log is None:
            return ""
        self.log.flush()
        self.log.seek(0)
        lines = [line.strip() for line in self.log.read().splitlines() if line.strip()]
        return lines[-1] if lines else "it said nothing, as when it is killed or memory runs out."
