"""Removing outputs: what no report uses any more, or everything."""

from __future__ import annotations

from pathlib import Path

from reportgen.records.store import RUN_FILE, find_runs, remove_folder
from reportgen.site import STAMP


def clean(runs: Path, site: Path, *, everything: bool = False) -> tuple[int, int]:
    """Remove from each run the records and media that its last build does not use; return (files, bytes) removed.

    With `everything`, remove the runs and the contents of the site instead (dotfiles of the site stay). Only folders
    that hold a run are touched. Raises StoreError when something cannot be removed.
    """
    if not everything:
        removed = [store.prune(store.read_run().plan) for store in find_runs(runs)]
        return sum(files for files, _ in removed), sum(size for _, size in removed)
    folders = [path.parent for path in runs.glob(f"*/{RUN_FILE}")]
    folders += [path for path in site.glob("*") if not path.name.startswith(".")] if _is_site(site) else []
    files = size = 0
    for folder in folders:
        found = [path for path in folder.rglob("*") if path.is_file()] if folder.is_dir() else [folder]
        files, size = files + len(found), size + sum(path.stat().st_size for path in found)
        if folder.is_dir():
            remove_folder(folder)
        else:
            folder.unlink()
    return files, size


def _is_site(site: Path) -> bool:
    """Whether the folder is a site that this program made, and not somebody's other files."""
    return (site / STAMP).is_file()
