"""What a file system answers is told in a sentence that says what to do, whichever call met it."""

from __future__ import annotations

import errno
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import NoReturn

import pytest

from reportgen.cli import main
from reportgen.cli.app import cli
from reportgen.errors import StoreError
from reportgen.records.files import write_text
from reportgen.records.finding import find_runs, runs_below
from reportgen.records.store import RUN_FILE, Store


@pytest.mark.parametrize("number", [errno.EIO, errno.ESTALE, errno.ETIMEDOUT])
def test_a_file_server_that_goes_in_the_middle_is_told_although_nothing_can_be_tidied_up(
    number: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def gone(path: object, *_: object, **__: object) -> NoReturn:
        raise OSError(number, os.strerror(number), str(path))

    for name in ("replace", "unlink", "link", "rename"):
        monkeypatch.setattr(os, name, gone)
    with pytest.raises(StoreError, match=r"file.txt: the disk or file server does not answer .* finished work is kept"):
        write_text(tmp_path / "file.txt", "text")


def test_a_folder_that_becomes_read_only_in_the_middle_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(path: object, *_: object, **__: object) -> NoReturn:
        raise OSError(errno.EROFS, "Read-only file system", str(path))

    monkeypatch.setattr(os, "replace", refused)
    monkeypatch.setattr(os, "unlink", refused)
    with pytest.raises(StoreError, match="no permission to write"):
        write_text(tmp_path / "file.txt", "text")


def test_a_link_to_nothing_in_place_of_a_folder_is_called_that(tmp_path: Path) -> None:
    (tmp_path / "runs").symlink_to(tmp_path / "nowhere")
    with pytest.raises(StoreError, match=r"\S+/runs is a link to nothing, or a file, where .* remove it"):
        write_text(tmp_path / "runs" / "file.txt", "text")


def test_a_document_that_is_replaced_on_the_server_while_it_is_read_is_read_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "run.json"
    path.write_text('{"schema_version": 7}')
    whole, answers = Path.read_bytes, ["stale"]

    def replaced(self: Path) -> bytes:
        if answers:
            answers.pop()
            raise OSError(errno.ESTALE, "Stale file handle", str(self))
        return whole(self)

    monkeypatch.setattr(Path, "read_bytes", replaced)
    assert Store(tmp_path).schema_version() == 7


@pytest.fixture
def closed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A run in a folder that may not be searched: root is told so too."""
    run = tmp_path / "closed"
    run.mkdir()
    (run / RUN_FILE).touch()
    whole = os.stat

    def asked(path: object, *more: object, **how: object) -> os.stat_result:
        if str(path).startswith(f"{run}/"):
            raise PermissionError(errno.EACCES, "Permission denied", str(path))
        return whole(path, *more, **how)  # type: ignore[arg-type]

    monkeypatch.setattr(os, "stat", asked)
    monkeypatch.setattr(os, "lstat", lambda path: asked(path, follow_symlinks=False))
    yield run
    monkeypatch.undo()


def test_a_run_that_nobody_may_look_into_is_not_said_to_be_none(closed: Path) -> None:
    with pytest.raises(StoreError, match=r"no permission to read .*closed.*ask its owner"):
        Store(closed).has_run()
    with pytest.raises(StoreError, match=r"no permission to read .*closed"):
        find_runs(closed.parent)


def test_a_folder_of_somebody_else_hides_no_run(closed: Path) -> None:
    own = closed.parent / "own"
    own.mkdir()
    (own / RUN_FILE).touch()
    assert [store.folder for store in find_runs(closed.parent)] == [own]
    assert [store.folder for store in runs_below(closed.parent)] == [own]


@pytest.mark.parametrize(
    ("number", "said"),
    [
        (errno.EACCES, "no permission for what is to be done with x.npy"),
        (errno.ESTALE, "Cannot read or write x.npy: the disk or file server does not answer"),
        (errno.EROFS, "no permission to write x.npy"),
    ],
)
def test_the_command_line_tells_of_a_place_whatever_met_the_error(
    number: int, said: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def broken(**_: object) -> NoReturn:
        raise OSError(number, os.strerror(number), "x.npy")

    monkeypatch.setattr(cli, "main", broken)
    monkeypatch.setattr(sys, "stdout", sys.stdout)
    with pytest.raises(SystemExit) as ended:
        main()
    assert ended.value.code == StoreError.exit_code
    assert said in capsys.readouterr().err
