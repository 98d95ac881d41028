"""Folders beside what is being written, in which it is made: one for each target, held by the process that writes it.

A process that is killed leaves its folder. Whoever comes next removes it where it surely is ours: our marker is in it
and nobody holds its lease, which ends with the process.
"""

from __future__ import annotations

import errno
import hashlib
import json
import os
import secrets
import shutil
import socket
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from reportgen.errors import StoreError
from reportgen.records.files import PART
from reportgen.records.lease import LEASE, held, held_if_free
from reportgen.records.os_errors import describe_os_error
from reportgen.version import __version__
from reportgen.wording import option

_MARKER = ".reportgen-scratch.json"
_TRIES = 3


@contextmanager
def scratch_beside(target: Path) -> Iterator[Path]:
    """Yield a folder on the disk of `target` for what it is made from, which is removed at the end.

    Only one process has it for one target. Raises StoreError while another one has, and when it cannot be written.
    """
    remove_abandoned(target.parent)
    try:
        folder = Path(tempfile.mkdtemp(prefix=PART, dir=target.parent))
    except OSError as error:
        raise StoreError(describe_os_error(error, target)) from error
    with held(folder, lambda _: None):
        try:
            try:
                _mark(folder, target)
                folder = _claimed(folder, target)
            except OSError as error:
                raise StoreError(describe_os_error(error, target)) from error
            yield folder
        finally:
            _discard(folder)


def remove_abandoned(parent: Path) -> tuple[int, int]:
    """Remove the scratch folders in `parent` of processes of this machine that are no more; return (files, bytes).

    What lacks our marker, is another user's, was made on another machine or is a link stays.
    """
    files = size = 0
    with suppress(OSError):
        for folder in [path for path in parent.iterdir() if path.name.startswith(PART)]:
            if _owner(folder) is not None:
                removed = _removed(folder)
                files, size = files + removed[0], size + removed[1]
    return files, size


def _removed(folder: Path) -> tuple[int, int]:
    with held_if_free(folder) as free:
        if not free:
            return 0, 0
        if _owner(folder) is None:  # somebody else has removed it, and asking for its lease has made it anew
            with suppress(OSError):
                (folder / LEASE).unlink()
                folder.rmdir()
            return 0, 0
        sizes = [_size(Path(place, name)) for place, _, names in os.walk(folder) for name in names]
        _discard(folder)
    return len(sizes), sum(sizes)


def _discard(folder: Path) -> None:
    """Remove a folder whose lease we hold, under a name that nobody else will take meanwhile, its marker last."""
    apart = folder.with_name(f"{PART}{secrets.token_hex(8)}")
    with suppress(OSError):
        folder = folder.rename(apart)
        for path in [each for each in folder.iterdir() if each.name not in (_MARKER, LEASE)]:
            if path.is_dir() and not path.is_symlink():
                shutil.rmtree(path, ignore_errors=True)
            else:
                path.unlink(missing_ok=True)
    shutil.rmtree(folder, ignore_errors=True)


def _size(path: Path) -> int:
    try:
        return path.lstat().st_size
    except OSError:
        return 0


def _mark(folder: Path, target: Path) -> None:
    """Say whose the folder is; last of all, so that a marked folder is a held one while its process lives."""
    content = {"reportgen": __version__, "target": target.name, "host": socket.gethostname(), "process": os.getpid()}
    (folder / _MARKER).write_text(json.dumps(content), encoding="utf-8")


def _owner(folder: Path) -> int | None:
    """Return the process that made a scratch folder; None where it is not one of ours, of this user and machine."""
    marker = folder / _MARKER
    try:
        if folder.is_symlink() or marker.is_symlink() or not marker.is_file() or (folder / LEASE).is_symlink():
            return None
        if hasattr(os, "geteuid") and os.geteuid() not in (folder.stat().st_uid, marker.stat().st_uid):
            return None
        content = json.loads(marker.read_bytes()[:65536])
    except (OSError, ValueError, RecursionError):
        return None
    if not isinstance(content, dict) or "reportgen" not in content or content.get("host") != socket.gethostname():
        return None
    process = content.get("process")
    return process if isinstance(process, int) else None


def _claimed(folder: Path, target: Path) -> Path:
    """Give a held folder the name of its target's, which only one can have, and return its new place."""
    digest = hashlib.sha256(os.fsencode(target.name)).hexdigest()[:16]
    place = target.with_name(f"{PART}{digest}")
    for _ in range(_TRIES):
        try:
            return folder.rename(place)
        except OSError as error:
            if error.errno not in (errno.ENOTEMPTY, errno.EEXIST, errno.ENOTDIR):
                raise
        remove_abandoned(target.parent)
    process = _owner(place)
    if process is None and os.path.lexists(place):
        raise StoreError(
            f"{place} is in the way of writing {target}, perhaps of another machine's process: wait until it has gone, "
            f"move it, or name another place by {option('--to')}."
        )
    who = "Another process" if process is None else f"Process {process}"
    raise StoreError(f"{who} is writing {target}: wait until it has ended, or name another place by {option('--to')}.")
