"""Where runs are: in a folder, and in the folders below it."""

from __future__ import annotations

from pathlib import Path

from reportgen.errors import StoreError
from reportgen.records.os_errors import describe_read_error
from reportgen.records.store import Store
from reportgen.wording import command, option

_DEEPEST = 4
"""Folders in folders that runs are looked for in."""


def find_runs(folder: Path, *, begun: bool = False) -> list[Store]:
    """Return the runs in `folder`, by path: itself one, its subfolders, or folders of these, at most four deep.

    Those that have only `begun` have a plan and no header yet. Hidden folders, links to folders and what lies in a run
    are not looked into, nor is what nobody may look into, unless there is nothing else. Raises StoreError when there
    are none.
    """
    if _is_run(Store(folder), begun):
        return [Store(folder)]
    unread: list[StoreError] = []
    stores = _nested(folder, _DEEPEST, begun, unread)
    if not stores:
        if unread:
            raise unread[0]
        raise StoreError(
            f"There are no runs in {folder}: run {command('compute')} first, or name their folder by "
            f"{option('--runs')}."
        )
    return stores


def _is_run(store: Store, begun: bool) -> bool:
    return store.has_run() or (begun and store.has_plan())


def _nested(folder: Path, depth: int, begun: bool, unread: list[StoreError]) -> list[Store]:
    """Return the runs below a folder, by path, and add to `unread` why others could not be looked for.

    A folder that cannot be read is somebody else's: it hides no other one.
    """
    try:
        found, others = _looked_into(folder, begun, unread)
    except StoreError as error:
        unread.append(error)
        return []
    if depth > 1:
        for path in (one for one in others if one.is_dir() and not one.is_symlink()):
            found += _nested(path, depth - 1, begun, unread)
    return sorted(found, key=lambda store: store.folder)


def runs_below(folder: Path) -> list[Store]:
    """Return the subfolders that hold a header, or what claims to be one, by name; none where there is no folder.

    A subfolder that nobody may look into is somebody else's. Raises StoreError for a folder that cannot be read.
    """
    return _looked_into(folder, begun=False, unread=[])[0]


def _looked_into(folder: Path, begun: bool, unread: list[StoreError]) -> tuple[list[Store], list[Path]]:
    """Return the runs in a folder by name, and what else is in it; `unread` is told what cannot be looked into."""
    try:
        below = sorted(path for path in folder.iterdir() if not path.name.startswith("."))
    except FileNotFoundError:
        return [], []
    except OSError as error:
        raise StoreError(describe_read_error(error, folder)) from error
    runs, others = [], []
    for path in below:
        try:
            if _is_run(Store(path), begun):
                runs.append(Store(path))
            else:
                others.append(path)
        except StoreError as error:
            unread.append(error)
    return runs, others
