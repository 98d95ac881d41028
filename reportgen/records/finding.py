"""Where runs are: in a folder, and in the folders below it."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

from reportgen.errors import StoreError
from reportgen.records.store import Store
from reportgen.wording import command, option

_DEEPEST = 4
"""Folders in folders that runs are looked for in."""


def find_runs(folder: Path, *, begun: bool = False) -> list[Store]:
    """Return the runs in `folder`, by path: itself one, its subfolders, or folders of these, at most four deep.

    Those that have only `begun` have a plan and no header yet. Hidden folders, links to folders and what lies in a run
    are not looked into. Raises StoreError when there are none.
    """
    if _is_run(Store(folder), begun):
        return [Store(folder)]
    stores = _nested(folder, _DEEPEST, begun)
    if not stores:
        raise StoreError(
            f"There are no runs in {folder}: run {command('compute')} first, or name their folder by "
            f"{option('--runs')}."
        )
    return stores


def _is_run(store: Store, begun: bool) -> bool:
    return store.has_run() or (begun and store.has_plan())


def _nested(folder: Path, depth: int, begun: bool) -> list[Store]:
    """Return the runs below a folder, by path."""
    own = {store.folder for store in runs_below(folder, begun=begun)}
    found = [Store(path) for path in own]
    if depth > 1 and folder.is_dir():
        others = (path for path in folder.iterdir() if path not in own and not path.name.startswith("."))
        for path in (one for one in others if one.is_dir() and not one.is_symlink()):
            with suppress(StoreError):  # a folder that cannot be read is somebody else's
                found += _nested(path, depth - 1, begun)
    return sorted(found, key=lambda store: store.folder)


def runs_below(folder: Path, *, begun: bool = False) -> list[Store]:
    """Return the subfolders that hold a header, or what claims to be one, by name; none where there is no folder.

    With `begun` those that hold only a plan are among them.
    """
    try:
        stores = [Store(path) for path in sorted(folder.iterdir()) if not path.name.startswith(".")]
    except FileNotFoundError:
        return []
    except OSError as error:
        raise StoreError(f"Cannot read {folder}: {error.strerror or error}.") from error
    return [store for store in stores if _is_run(store, begun)]
