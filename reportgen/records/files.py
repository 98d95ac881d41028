"""Writing and removing files: whole or not at all, only ours, and never through a link."""

from __future__ import annotations

import errno
import hashlib
import io
import os
import stat
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from reportgen.errors import StoreError
from reportgen.records.os_errors import describe_os_error, describe_removal_error
from reportgen.records.paths import inside

PART = ".reportgen-part-"
"""How the names of half-written files begin; a stop may leave one."""


_AT_ONCE = 1 << 16


def file_digest(path: Path) -> str:
    """Return the SHA-256 of a file's bytes; raises OSError."""
    with path.open("rb", buffering=0) as file:
        beginning = file.read(_AT_ONCE)
        if len(beginning) < _AT_ONCE:  # to make a long file's buffer takes longer than to read a short one
            return hashlib.sha256(beginning + file.readall()).hexdigest()
        file.seek(0)
        return hashlib.file_digest(file, "sha256").hexdigest()


def check_file_place(path: Path) -> None:
    """Raise StoreError where a device, a pipe or a folder stands where a file is to be."""
    if path.exists() and not path.is_symlink() and not path.is_file():
        raise StoreError(f"{path} is a device, a pipe or a folder: name a file.")


_LONGEST_TEXT = 1 << 24


@contextmanager
def atomic_path(path: Path) -> Iterator[Path]:
    """Yield a path beside `path` (same suffix) to write to; moved into place when the block ends without an error.

    Raises StoreError when the folder or file cannot be written, or when a device, a pipe or a folder stands there: to
    move a file there would remove it, and root may.
    """
    temporary: Path | None = None
    try:
        check_file_place(path)
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(dir=path.parent, prefix=PART, suffix=path.suffix)
        os.close(handle)
        temporary = Path(name)
        yield temporary
        temporary.chmod(0o644)
        temporary.replace(path)
    except OSError as error:
        raise StoreError(describe_os_error(error, path)) from error
    finally:
        if temporary is not None:
            with suppress(OSError):  # where it cannot be removed, the error that is on its way says why
                temporary.unlink(missing_ok=True)


def read_text(path: Path, encoding: str = "utf-8") -> str:
    """Return a text file that somebody wrote by hand; raises OSError for what is no file or longer than that.

    A pipe is refused before it is opened: it would wait for a writer that may never come; nor is a file of the
    system's waited for, such as the kernel's messages.
    """
    if not stat.S_ISREG(path.stat().st_mode):
        raise OSError(errno.EINVAL, "it is a device, a pipe or a folder, not a file")
    content = b""
    with io.FileIO(os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0))) as file:
        while len(content) <= _LONGEST_TEXT and (block := file.read(_LONGEST_TEXT + 1 - len(content))) != b"":
            if block is None:
                raise OSError(errno.EAGAIN, "it gives nothing to read")
            content += block
    if len(content) > _LONGEST_TEXT:
        raise OSError(errno.EFBIG, f"it is longer than {_LONGEST_TEXT >> 20} MiB")
    return content.decode(encoding)


def write_text(path: Path, text: str) -> None:
    """Write a text file atomically."""
    with atomic_path(path) as temporary:
        temporary.write_text(text, encoding="utf-8")


def check_writable(folder: Path) -> None:
    """Raise StoreError, before hours of work, when `folder` cannot be written to."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder, prefix=PART):
            pass
    except OSError as error:
        raise StoreError(describe_os_error(error, folder)) from error


def remove_listed(folder: Path, listed: Iterable[str]) -> tuple[int, int]:
    """Remove the listed files of a folder, and what folders that leaves empty; return (files, bytes) removed.

    A name that leads outside the folder, or where a link or something else than a file stands, is left alone.
    Raises StoreError for a file that cannot be removed.
    """
    files = size = 0
    for relative in sorted(listed):
        try:
            path = inside(folder, relative)
        except StoreError:
            continue
        try:
            size += path.lstat().st_size
            path.unlink()
        except FileNotFoundError:
            continue
        except OSError as error:
            raise StoreError(describe_removal_error(error, path)) from error
        files += 1
        _remove_empty(path.parent, folder)
    return files, size


def _remove_empty(folder: Path, top: Path) -> None:
    while folder != top:
        try:
            folder.rmdir()
        except OSError:  # somebody else's files are in it
            return
        folder = folder.parent


def half_written(folder: Path) -> set[str]:
    """Return the files below a folder that this program was writing when it was killed."""
    found: set[str] = set()
    for place, _, names in os.walk(folder):
        found.update(Path(place, name).relative_to(folder).as_posix() for name in names if name.startswith(PART))
    return found
