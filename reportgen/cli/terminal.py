"""How progress looks: bars with the time left on a terminal, plain lines elsewhere."""

from __future__ import annotations

import time
from contextlib import AbstractContextManager
from types import TracebackType
from typing import Self

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, TaskID, TextColumn, TimeElapsedColumn, TimeRemainingColumn
from rich.progress import Progress as RichProgress

from reportgen.progress import Task

#: Plain lines say how far a task is at most this often, in seconds.
PLAIN_INTERVAL = 10.0


class _Bars(RichProgress):
    """Bars that leave the terminal's cursor to be seen: what is killed or suspended could not bring it back."""

    def start(self) -> None:
        """Begin to draw."""
        super().start()
        self.console.show_cursor()


class _BarTask:
    def __init__(self, bars: _Bars, title: str, total: float) -> None:
        self._bars = bars
        self._id: TaskID = bars.add_task(title, total=total)

    def advance(self, steps: float = 1) -> None:
        """Move the bar."""
        self._bars.advance(self._id, steps)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._bars.remove_task(self._id)


class BarProgress:
    """Bars at the foot of the terminal; notes scroll above them. Use as a context."""

    def __init__(self, console: Console) -> None:
        self._bars = _Bars(
            TextColumn("{task.description}", markup=False),
            BarColumn(),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            TextColumn("left"),
            TimeRemainingColumn(),
            console=console,
            transient=True,
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._bars.stop()

    def task(self, title: str, total: float) -> AbstractContextManager[Task]:
        """Begin a bar."""
        # Not before the first task: a question may be asked first, and live bars would draw over it.
        self._bars.start()
        return _BarTask(self._bars, title, total)

    def note(self, message: str) -> None:
        """Say one line above the bars."""
        self._bars.console.print(message, markup=False, highlight=False)


class _PlainTask:
    def __init__(self, console: Console, title: str, total: float) -> None:
        self._console = console
        self._title = title
        self._total = total
        self._done = 0.0
        self._begun = self._said = time.monotonic()

    def advance(self, steps: float = 1) -> None:
        """Say how far it is, when it is time to."""
        self._done += steps
        now = time.monotonic()
        if now - self._said >= PLAIN_INTERVAL and self._done < self._total:
            self._said = now
            left = (now - self._begun) * (self._total - self._done) / self._done
            self._say(f"{self._title}: {self._done:.0f}/{self._total:.0f}, about {left:.0f} s left")

    def _say(self, line: str) -> None:
        self._console.print(line, markup=False, highlight=False, soft_wrap=True)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if error is None:
            self._say(f"{self._title}: done in {time.monotonic() - self._begun:.1f} s")


class PlainProgress:
    """One line now and then, for logs and pipes. Use as a context."""

    def __init__(self, console: Console) -> None:
        self._console = console

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """End without a word."""

    def task(self, title: str, total: float) -> AbstractContextManager[Task]:
        """Begin a task that says a line when it ends, and one now and then before."""
        return _PlainTask(self._console, title, total)

    def note(self, message: str) -> None:
        """Say one line."""
        self._console.print(message, markup=False, highlight=False, soft_wrap=True)


def terminal_progress(console: Console) -> BarProgress | PlainProgress:
    """Return bars when the console is a terminal, else plain lines."""
    return BarProgress(console) if console.is_terminal else PlainProgress(console)
