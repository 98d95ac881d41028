"""Bars for whoever calls from Python: in notebooks and on terminals, on standard error, gone when the work is done."""

from __future__ import annotations

import sys
from contextlib import AbstractContextManager
from importlib.util import find_spec
from types import TracebackType
from typing import Any, Self

from reportgen.progress import Task


class _Bar:
    def __init__(self, bar: Any) -> None:
        self._bar = bar

    def advance(self, steps: float = 1) -> None:
        """Move the bar."""
        self._bar.update(steps)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._bar.close()


class PythonProgress:
    """One bar a task by tqdm: a widget in notebooks that have ipywidgets, text elsewhere."""

    def task(self, title: str, total: float) -> AbstractContextManager[Task]:
        """Begin a bar."""
        if "ipykernel" in sys.modules and find_spec("ipywidgets") is not None:
            from tqdm.notebook import tqdm
        else:
            from tqdm.std import tqdm
        whole = int(total) if float(total).is_integer() else total
        return _Bar(tqdm(total=whole, desc=title, leave=False, file=sys.stderr))

    def note(self, message: str) -> None:
        """Say one line above the bars."""
        from tqdm.std import tqdm

        tqdm.write(message, file=sys.stderr)


def python_progress() -> PythonProgress:
    """Return what shows bars for a call from Python."""
    return PythonProgress()
