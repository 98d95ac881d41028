"""What a file system answered, in one sentence that says what to do."""

from __future__ import annotations

import errno
import os
from pathlib import Path

_NO_SPACE = frozenset({errno.ENOSPC, errno.EDQUOT})
_NO_PERMISSION = frozenset({errno.EACCES, errno.EPERM, errno.EROFS})

_NO_ANSWER = frozenset(
    number
    for name in ("EIO", "ESTALE", "ETIMEDOUT", "EHOSTDOWN", "EHOSTUNREACH", "ENOTCONN", "EREMOTEIO", "ENODEV", "ENXIO")
    if (number := getattr(errno, name, None)) is not None
)
"""What is answered where a disk fails, or a file server has gone or has come back as another one."""

OF_THE_PLACE = _NO_SPACE | _NO_PERMISSION | _NO_ANSWER
"""Errors that are the fault of where files lie, whatever was done with them."""


def describe_os_error(error: OSError, path: Path) -> str:
    """Return one sentence about a failed write that says what to do."""
    if error.errno in _NO_SPACE:
        return f"There is no space left to write {path}: free some, or choose another folder, and run again."
    if error.errno in _NO_PERMISSION:
        return f"There is no permission to write {path}: choose a folder that you may write to."
    if error.errno == errno.EFBIG:
        return f"No file may be as long as {path} would be: raise the limit (ulimit -f), or choose another folder."
    if error.errno == errno.EEXIST:
        place = os.fsdecode(error.filename or path)
        return f"Cannot write {path}: {place} is a link to nothing, or a file, where a folder belongs; remove it."
    if error.errno == errno.ENOTDIR:
        return f"Cannot write {path}: on the way there is a file where a folder belongs; remove it."
    return f"Cannot write {path}: {_why(error)}"


def describe_read_error(error: OSError, path: Path | str) -> str:
    """Return one sentence about what could not be read, or looked for, that says what to do."""
    if error.errno in _NO_PERMISSION:
        return f"There is no permission to read {path}: ask its owner for it, or name another folder."
    return f"Cannot read {path}: {_why(error)}"


def describe_any_error(error: OSError) -> str:
    """Return one sentence that says what to do about an error `OF_THE_PLACE`, whatever was done there."""
    path = Path(os.fsdecode(error.filename or "a temporary file"))
    if error.errno in _NO_SPACE or error.errno == errno.EROFS:
        return describe_os_error(error, path)
    if error.errno in _NO_PERMISSION:
        return f"There is no permission for what is to be done with {path}: ask its owner, or name another place."
    return f"Cannot read or write {path}: {_why(error)}"


def describe_removal_error(error: OSError, path: Path) -> str:
    """Return one sentence about a file that could not be removed, that says what to do."""
    if error.errno in _NO_PERMISSION:
        return f"There is no permission to remove {path}: its folder's owner has to, or to let you write there."
    return f"Cannot remove {path}: {_why(error)}"


def _why(error: OSError) -> str:
    said = error.strerror or error
    if error.errno in _NO_ANSWER:
        return f"the disk or file server does not answer ({said}); run again when it does, finished work is kept."
    return f"{said}."
