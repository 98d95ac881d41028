"""Removing outputs: what no report uses any more, or everything. Only what this program wrote is removed."""

from __future__ import annotations

from pathlib import Path

from reportgen.errors import StoreError
from reportgen.progress import SILENT, Progress
from reportgen.records.files import remove_folder
from reportgen.records.store import find_runs, runs_below
from reportgen.site import STAMP


def clean(runs: Path, site: Path, *, everything: bool = False, progress: Progress = SILENT) -> tuple[int, int]:
    """Remove from each run the records and media that its last build does not use; return (files, bytes) removed.

    With `everything`, remove the runs and the contents of the site instead (dotfiles of the site stay). Whatever this
    program did not write stays, in a run's folder too; a folder that is no run of ours is left alone, with a note to
    `progress`. Raises StoreError when something cannot be removed, and for the first kind when a run is damaged.
    """
    if not everything:
        plans = [(store, store.read_run().plan) for store in find_runs(runs)]  # all read before any is touched
        removed = [store.prune(plan) for store, plan in plans]
        return sum(files for files, _ in removed), sum(size for _, size in removed)
    files, size = _remove_runs(runs, progress)
    for path in [path for path in site.glob("*") if not path.name.startswith(".")] if _is_site(site) else []:
        found = [path for path in path.rglob("*") if path.is_file()] if path.is_dir() else [path]
        files, size = files + len(found), size + sum(path.stat().st_size for path in found)
        if path.is_dir():
            remove_folder(path)
        else:
            path.unlink()
    return files, size


def _remove_runs(runs: Path, progress: Progress) -> tuple[int, int]:
    files = size = 0
    for store in runs_below(runs):
        try:
            store.read_run()
        except StoreError as error:
            progress.note(f"{store.folder} is left as it is, for it is no run of this program: {error}")
            continue
        removed = store.remove()
        files, size = files + removed[0], size + removed[1]
    return files, size


def _is_site(site: Path) -> bool:
    """Whether the folder is a site that this program made, and not somebody's other files."""
    return (site / STAMP).is_file()
