"""The few things that claims ask of a shared folder, and how a file system does them.

They are those that NFS does atomically from version 3 on: creating a file that must not be there yet, and writing a
small file in place that only its creator writes. Nothing asks for locks, for the time of day, or for the modification
time of a file. What is read is read from the server: a file that is opened is looked up anew (close-to-open
consistency), while a listing may be old.
"""

from __future__ import annotations

import errno
import os
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from typing import Protocol

from reportgen.errors import StoreError
from reportgen.records.files import remove_listed
from reportgen.records.os_errors import describe_os_error, describe_read_error
from reportgen.records.paths import inside
from reportgen.records.written import check_not_moved

LENGTH = 1024
"""Bytes of a claim, always: a write in place replaces all of it at once."""


class ClaimFiles(Protocol):
    """A shared folder of small files in groups; names are made of letters, digits, dots and dashes."""

    def create(self, group: str, name: str, text: str) -> bool:
        """Create a file that is not there; False, and nothing done, where it is there, whoever made it."""
        ...

    def rewrite(self, group: str, name: str, text: str) -> bool:
        """Replace the text of a file that this process created; False, and nothing done, where it is gone."""
        ...

    def read(self, group: str, name: str) -> str | None:
        """Return the text of a file as it is now; None where there is none, empty while it is being created."""
        ...

    def names(self, group: str) -> frozenset[str]:
        """Return the names of a group's files; those of the last half minute may be missing."""
        ...

    def remove(self, group: str, names: Iterable[str]) -> None:
        """Remove files of a group, as far as they are there."""
        ...


class ClaimFolder:
    """Claims as files of a run's folder (see `ClaimFiles`)."""

    def __init__(self, run: Path, folder: str) -> None:
        self._run = run
        self._folder = folder
        self._groups: dict[str, Path] = {}
        self._begun = False

    def create(self, group: str, name: str, text: str) -> bool:
        """Create a file that is not there; False where it is there."""
        path = self._path(group, name)
        try:
            if self._begun:
                check_not_moved(self._run)
            path.parent.mkdir(parents=True, exist_ok=True)
            self._begun = True
            file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_NOFOLLOW", 0), 0o644)
        except FileExistsError:
            return False
        except OSError as error:
            raise StoreError(describe_os_error(error, path)) from error
        try:
            _write(file, text, path)
        except StoreError:  # whoever finds a claim without a word waits until its lease is over
            with suppress(OSError):
                path.unlink()
            raise
        return True

    def rewrite(self, group: str, name: str, text: str) -> bool:
        """Replace the text of a file that this process created; False where somebody has removed it."""
        path = self._path(group, name)
        try:
            file = os.open(path, os.O_WRONLY | getattr(os, "O_NOFOLLOW", 0))
        except (FileNotFoundError, NotADirectoryError):
            return False
        except OSError as error:
            raise StoreError(describe_os_error(error, path)) from error
        _write(file, text, path)
        return True

    def read(self, group: str, name: str) -> str | None:
        """Return the text of a file as it is now; None where there is none."""
        path = self._path(group, name)
        try:
            file = os.open(path, os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0))
        except (FileNotFoundError, NotADirectoryError):
            return None
        except OSError as error:
            raise StoreError(describe_read_error(error, path)) from error
        try:
            return os.read(file, LENGTH).decode("utf-8", "replace").rstrip()
        except OSError as error:
            if error.errno == errno.ESTALE:  # it was removed on the server while it was open here
                return None
            raise StoreError(describe_read_error(error, path)) from error
        finally:
            os.close(file)

    def names(self, group: str) -> frozenset[str]:
        """Return the names of a group's files."""
        folder = self._path(group, "any").parent
        try:
            with os.scandir(folder) as entries:
                return frozenset(entry.name for entry in entries)
        except (FileNotFoundError, NotADirectoryError):
            return frozenset()
        except OSError as error:
            raise StoreError(describe_read_error(error, folder)) from error

    def remove(self, group: str, names: Iterable[str]) -> None:
        """Remove files of a group, as far as they are there, and the folders that this leaves empty."""
        remove_listed(self._run, [f"{self._folder}/{group}/{name}" for name in names])

    def _path(self, group: str, name: str) -> Path:
        """Return a file's place; the way to its group is looked at once, and the file itself is never a link."""
        if group not in self._groups:
            self._groups[group] = inside(self._run, f"{self._folder}/{group}/{name}").parent
        return self._groups[group] / name


def _write(file: int, text: str, path: Path) -> None:
    """Write the whole of a claim to an open file, and close it, so that others read it.

    A file server may tell only then that there is no space.
    """
    content = text.encode()
    if len(content) > LENGTH - 1:
        content = content[: LENGTH - 1].decode("utf-8", "ignore").encode()
    content = content.ljust(LENGTH - 1) + b"\n"
    try:
        try:
            written = 0
            while written < LENGTH:  # less than all of it fits where space runs out
                written += os.pwrite(file, content[written:], written)
        finally:
            os.close(file)
    except OSError as error:
        raise StoreError(describe_os_error(error, path)) from error
