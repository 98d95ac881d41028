"""Progress: plain lines where there is no terminal, bars where there is one."""

from __future__ import annotations

import io

import pytest
from rich.console import Console

from reportgen.cli import terminal
from reportgen.cli.terminal import BarProgress, PlainProgress, terminal_progress
from reportgen.progress import SILENT


def console(*, is_terminal: bool) -> tuple[Console, io.StringIO]:
    said = io.StringIO()
    return Console(file=said, force_terminal=is_terminal, width=60), said


def test_a_pipe_gets_a_line_per_task_and_no_control_codes() -> None:
    where, said = console(is_terminal=False)
    progress = terminal_progress(where)
    assert isinstance(progress, PlainProgress)
    with progress, progress.task("work of [s1] with a name that is longer than the console is wide", 2) as task:
        task.advance()
        task.advance()
    progress.note("all [bold]done[/bold]")
    first, second = said.getvalue().splitlines()
    assert first.startswith("work of [s1] with a name that is longer than the console is wide: done in ")
    assert second == "all [bold]done[/bold]"
    assert "\x1b" not in said.getvalue()


def test_long_work_says_how_far_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = iter(range(0, 1000, 20))
    monkeypatch.setattr(terminal.time, "monotonic", lambda: float(next(clock)))
    where, said = console(is_terminal=False)
    with PlainProgress(where) as progress, progress.task("work", 4) as task:
        task.advance()
        task.advance()
    assert said.getvalue().splitlines()[:2] == ["work: 1/4, about 60 s left", "work: 2/4, about 40 s left"]


def test_a_task_that_fails_is_not_said_to_be_done() -> None:
    where, said = console(is_terminal=False)
    with pytest.raises(ValueError, match="broken"), PlainProgress(where) as progress, progress.task("work", 1):
        raise ValueError("broken")
    assert "done" not in said.getvalue()


def test_a_terminal_gets_bars_and_notes_above_them() -> None:
    where, said = console(is_terminal=True)
    progress = terminal_progress(where)
    assert isinstance(progress, BarProgress)
    with progress:
        progress.note("a note")
        with progress.task("work", 2) as task:
            task.advance()
    assert "a note" in said.getvalue()
    assert "work" in said.getvalue()


def test_the_cursor_is_to_be_seen_while_there_are_bars() -> None:
    """What is killed or suspended meanwhile does not bring it back."""
    where, said = console(is_terminal=True)
    with BarProgress(where) as progress, progress.task("work", 2):
        assert said.getvalue().rfind("\x1b[?25h") > said.getvalue().rfind("\x1b[?25l")


def test_silence_says_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    with SILENT.task("work", 1) as task:
        task.advance()
    SILENT.note("note")
    assert capsys.readouterr() == ("", "")
