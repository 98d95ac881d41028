"""Processes that work at a run: what is told while they are stopped, and where the run is gone."""

from __future__ import annotations

import io
import json
from pathlib import Path
from types import SimpleNamespace
from typing import cast

import pytest

from reportgen.errors import StoreError
from reportgen.records.jobs import Job
from reportgen.records.store import Store
from reportgen.runner.executors import worker_process
from reportgen.runner.executors.base import Work
from reportgen.runner.executors.processes import ProcessesExecutor, _Processes
from reportgen.runner.executors.sharing import _kept
from reportgen.stopping import Stopped, StopSignals
from tests.notes import Notes


def test_a_stop_is_told_at_once_since_the_workers_take_a_while_to_end(tmp_path: Path) -> None:
    notes = Notes()
    with pytest.raises(Stopped), _Processes(ProcessesExecutor(0, {}), tmp_path, notes):
        raise Stopped
    assert len(notes.said) == 1
    with _Processes(ProcessesExecutor(0, {}), tmp_path, notes):
        pass
    assert len(notes.said) == 1


class Moving:
    """A crew at whose first look somebody moves the run away."""

    kept = 0

    def __init__(self, run: Path) -> None:
        self._run = run

    def is_over(self, *, lacking: bool) -> bool:
        assert lacking
        assert self._run.exists(), "workers are asked for, and would be started anew, where there is no run"
        self._run.rename(self._run.with_name("elsewhere"))
        return False


def test_a_run_that_is_moved_away_ends_the_work_and_no_worker_follows_another(tmp_path: Path) -> None:
    store = Store(tmp_path / "run")
    store.folder.mkdir()
    job = Job(analysis="kernels", version=1, unit="tiny/first/0001", parameters={}, seed=0, inputs={})
    work = cast("Work", SimpleNamespace(store=store))
    with pytest.raises(StoreError, match="was moved or removed while it was being computed"):
        list(_kept(work, [job], Moving(store.folder)))


def test_a_worker_names_commands_as_its_command_line_does(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(worker_process, "_end_with_parent", lambda: None)
    monkeypatch.setattr(StopSignals, "listen", lambda _stop: None)
    monkeypatch.setattr("sys.stdin", io.StringIO(json.dumps({"run": str(tmp_path), "options": {}}) + "\n"))
    assert worker_process.work_as_asked() == StoreError.exit_code
    assert "holds no run: `reportgen compute` plans a run" in capsys.readouterr().err
