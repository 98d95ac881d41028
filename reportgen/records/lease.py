"""Holding a folder while one works in it: the one lease of runs, of sites and of what sites are made from.

It lies in the folder itself, so that it holds from wherever the others work, and ends with the process that has it.
"""

from __future__ import annotations

import errno
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import BaseFileLock, FileLock, SoftFileLock, Timeout

from reportgen.errors import StoreError
from reportgen.records.os_errors import describe_os_error
from reportgen.records.paths import inside

LEASE = ".reportgen.lock"
"""Held by whoever writes in the folder; empty, and left there: removing it would let two in."""

_NO_LOCKS = frozenset({errno.ENOSYS, errno.ENOLCK, errno.EOPNOTSUPP, errno.EINVAL})
"""What file systems answer that have no locks, as some on a network."""


@contextmanager
def held(folder: Path, waiting: Callable[[str], None], name: str = LEASE) -> Iterator[None]:
    """Hold a folder against other processes; wait for one that holds it, and say so to `waiting`.

    Where the file system has no locks, the file says who has the folder by being there: a process of this machine
    that has ended is told from one that works, and one of another machine is waited for. Raises StoreError.
    """
    path = inside(folder, name)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        lock = _acquired(path, lambda: waiting(f"Another process works in {folder}: waiting for it."))
    except OSError as error:
        raise StoreError(describe_os_error(error, folder)) from error
    try:
        yield
    finally:
        lock.release()


@contextmanager
def held_if_free(folder: Path) -> Iterator[bool]:
    """Hold a folder that is there, if nobody else does, and say whether; raises StoreError for a link in its place."""
    path = inside(folder, LEASE)
    try:
        lock = _acquired(path, None)
    except (OSError, Timeout):
        yield False
        return
    try:
        yield True
    finally:
        lock.release()


def _acquired(path: Path, waiting: Callable[[], None] | None) -> BaseFileLock:
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="flock not supported")  # it holds by a file then, as below
        try:
            return _wait_for(FileLock(path), waiting)
        except NotImplementedError:  # what earlier versions of filelock answer
            pass
        except OSError as error:
            if error.errno not in _NO_LOCKS:
                raise
    return _wait_for(SoftFileLock(path.with_name(f"{path.name}.held")), waiting)


def _wait_for(lock: BaseFileLock, waiting: Callable[[], None] | None) -> BaseFileLock:
    """Acquire a lock; raises Timeout where another process has it and there is nobody to tell of a wait."""
    try:
        lock.acquire(blocking=False)
    except Timeout:
        if waiting is None:
            raise
        waiting()
        lock.acquire()
    return lock
