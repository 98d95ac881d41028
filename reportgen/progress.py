"""How long work tells how far it is: an observer, silent by default."""

from __future__ import annotations

from contextlib import AbstractContextManager
from importlib import import_module
from types import TracebackType
from typing import Protocol, Self


class Task(Protocol):
    """One piece of work that is under way."""

    def advance(self, steps: float = 1) -> None:
        """Report `steps` more of the total as done."""
        ...

    def __enter__(self) -> Self: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None: ...


class Progress(Protocol):
    """Where work reports to; the terminal's bars are one implementation, plain lines another."""

    def task(self, title: str, total: float) -> AbstractContextManager[Task]:
        """Begin a piece of work of `total` steps; it ends with its context."""
        ...

    def note(self, message: str) -> None:
        """Say one line that is not an advance."""
        ...


class _SilentTask:
    def advance(self, steps: float = 1) -> None:
        """Ignore the advance."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """End without a word."""


class TaskInParts(_SilentTask):
    """A task under way of which `parts` are done side by side: each step of one advances the whole by its share."""

    def __init__(self, task: Task, parts: int) -> None:
        self.task, self.parts = task, parts

    def advance(self, steps: float = 1) -> None:
        """Advance the whole by a part's share of the steps."""
        self.task.advance(steps / self.parts)


class SilentProgress:
    """Says nothing."""

    def task(self, title: str, total: float) -> AbstractContextManager[Task]:  # noqa: ARG002
        """Begin a task that says nothing."""
        return _SilentTask()

    def note(self, message: str) -> None:
        """Ignore the message."""


SILENT: Progress = SilentProgress()


def observer(progress: Progress | bool) -> Progress:
    """Return what work reports to: bars for True, nothing for False, and an observer as it is."""
    if isinstance(progress, bool):
        bars: Progress = import_module("reportgen.progress_bars").python_progress() if progress else SILENT
        return bars
    return progress
