"""Processes that work at a run: what whoever stops them is told while they end."""

from __future__ import annotations

from contextlib import AbstractContextManager
from pathlib import Path

import pytest

from reportgen.progress import SILENT, Task
from reportgen.runner.executors.processes import ProcessesExecutor, _Processes
from reportgen.stopping import Stopped


class Notes:
    def __init__(self) -> None:
        self.said: list[str] = []

    def task(self, title: str, total: float) -> AbstractContextManager[Task]:
        return SILENT.task(title, total)

    def note(self, message: str) -> None:
        self.said.append(message)


def test_a_stop_is_told_at_once_since_the_workers_take_a_while_to_end(tmp_path: Path) -> None:
    notes = Notes()
    with pytest.raises(Stopped), _Processes(ProcessesExecutor(0, {}), tmp_path, notes):
        raise Stopped
    assert len(notes.said) == 1
    with _Processes(ProcessesExecutor(0, {}), tmp_path, notes):
        pass
    assert len(notes.said) == 1
