"""What this program wrote into a run's folder: only that is ever removed.

Whoever writes notes each path first, a line each, in a list of its own: many workers may write at once, and a shared
file system appends for one of them only. Claims (see `reportgen.runner.claims`) tell by their names whose they are.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from reportgen.errors import StoreError
from reportgen.records.os_errors import describe_os_error, describe_read_error
from reportgen.records.paths import inside

WRITTEN = "written.txt"
LISTS = "written"
"""Folder of the lists of workers."""

CLAIMS = "claims"
"""Folder of the claims of workers."""

_LIST = re.compile(r"[0-9a-f]{8}\.txt")
_OLD_LISTS = re.compile(r"written(-[0-9a-f]{8})?\.txt")
_SHARD = re.compile(r"[0-9a-f]{2}")
_GROUP = re.compile(r"\d\d")
_CLAIM = re.compile(r"[0-9a-f]{32}\.(\d{1,9}|done)")


def list_name(writer: str = "") -> str:
    """Return the name of a writer's list; `writer` is 8 hexadecimal digits, or nothing for the only one."""
    if not writer:
        return WRITTEN
    name = f"{writer}.txt"
    assert _LIST.fullmatch(name)
    return f"{LISTS}/{writer[:2]}/{name}"


def lists_in(folder: Path) -> frozenset[str]:
    """Return the names of all lists of a run."""
    found = {name for name in _names(folder) if _OLD_LISTS.fullmatch(name)}  # up to schema 3 all lay here
    for shard, names in _grouped(folder / LISTS, _SHARD):
        found.update(f"{LISTS}/{shard}/{name}" for name in names if _LIST.fullmatch(name) and name[:2] == shard)
    return frozenset(found)


def written_files(folder: Path) -> set[str]:
    """Return the files that were noted, whether or not they are still there. Raises StoreError."""
    found: set[str] = set()
    for name in lists_in(folder):
        path = inside(folder, name)
        try:
            found.update(path.read_text(encoding="utf-8", errors="replace").splitlines())
        except OSError as error:
            raise StoreError(describe_read_error(error, path)) from error
    return found


def note_written(folder: Path, name: str, relative: str) -> None:
    """Note a file in the list of that name. Raises StoreError."""
    path = inside(folder, name)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("a", encoding="utf-8") as file:
            file.write(relative + "\n")
    except OSError as error:
        raise StoreError(describe_os_error(error, path)) from error


def check_not_moved(folder: Path, name: str = "") -> None:
    """Raise StoreError where a run that is being written to is gone: to begin it anew in its place would split it.

    `name` is that of a list that it has.
    """
    try:
        (folder / name).lstat()
    except (FileNotFoundError, NotADirectoryError) as error:
        raise StoreError(
            f"{folder} was moved or removed while it was being computed: put it back, and run the same command again."
        ) from error
    except OSError as error:
        raise StoreError(describe_read_error(error, folder)) from error


def claims_in(folder: Path) -> set[str]:
    """Return the claims of a run's workers."""
    groups = _grouped(folder / CLAIMS, _GROUP)
    return {f"{CLAIMS}/{group}/{name}" for group, names in groups for name in names if _CLAIM.fullmatch(name)}


def held_chunks(folder: Path) -> int:
    """Return how many chunks of a run have been taken and not ended, by the names of their claims."""
    taken: set[str] = set()
    ended: set[str] = set()
    for name in claims_in(folder):
        stem, _, end = name.rpartition(".")
        (ended if end == "done" else taken).add(stem)
    return len(taken - ended)


def _grouped(top: Path, group: re.Pattern[str]) -> Iterator[tuple[str, list[str]]]:
    """Yield the subfolders of a folder that are called so, with the names in each; none that is a link."""
    if not top.is_symlink():
        for name in _names(top):
            if group.fullmatch(name) and not (top / name).is_symlink():
                yield name, _names(top / name)


def _names(folder: Path) -> list[str]:
    try:
        return [path.name for path in folder.iterdir()]
    except (FileNotFoundError, NotADirectoryError):
        return []
    except OSError as error:
        raise StoreError(describe_read_error(error, folder)) from error
