"""A folder is held by one at a time, also where the file system has no locks."""

from __future__ import annotations

import errno
import fcntl
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from reportgen.errors import StoreError
from reportgen.records.lease import held


def no_locks(number: int) -> object:
    def flock(_file: object, _how: int) -> None:
        raise OSError(number, "no locks here")

    return flock


@pytest.mark.parametrize("number", [None, errno.ENOSYS, errno.ENOLCK, errno.EOPNOTSUPP])
def test_who_comes_second_waits_and_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int | None
) -> None:
    if number is not None:
        monkeypatch.setattr(fcntl, "flock", no_locks(number))
    said: list[str] = []
    order: list[str] = []

    def second() -> None:
        with held(tmp_path, said.append):
            order.append("second")

    with ThreadPoolExecutor() as pool:
        with held(tmp_path, said.append):
            waiting = pool.submit(second)
            while not said:
                assert not waiting.done()
                time.sleep(0.01)
            order.append("first")
        waiting.result(timeout=60)
    assert order == ["first", "second"]
    assert said == [f"Another process works in {tmp_path}: waiting for it."]


def test_a_folder_that_cannot_be_held_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(StoreError), held(tmp_path / "file", print):
        pass
