"""Removing outputs: what no report uses any more, or everything. Only what this program wrote is removed."""

from __future__ import annotations

from pathlib import Path

from reportgen.errors import StoreError
from reportgen.given import given_path
from reportgen.progress import SILENT, Progress, observer
from reportgen.records.finding import find_runs, runs_below
from reportgen.records.lease import held
from reportgen.records.owned import OwnedFolder
from reportgen.records.scratch import remove_abandoned
from reportgen.records.store import Store
from reportgen.site_memory import forget


def clean(
    runs: str | Path = "runs",
    site: str | Path = "site",
    *,
    everything: bool = False,
    progress: Progress | bool = SILENT,
) -> tuple[int, int]:
    """Remove from each run the records and media that its last build does not use; return (files, bytes) removed.

    With `everything`, remove the runs and the site instead, and what is remembered of that. What a killed export left
    beside either is removed too. Whatever this program did not write stays, in their folders too; a folder that is no
    run of ours is left alone, with a note to `progress`. Raises StoreError when something cannot be removed, and
    without `everything` when a run is damaged.
    """
    runs, site, progress = given_path(runs), given_path(site), observer(progress)
    removed = [remove_abandoned(parent) for parent in {runs.parent, site.parent}]
    if not everything:
        stores = find_runs(runs)
        for store in stores:
            store.read_run()  # all are read before any is touched
        removed.extend(_pruned(store, progress) for store in stores)
    else:
        removed += _remove_runs(runs, progress)
        if site.is_dir():
            with held(site, progress.note):
                removed.append(OwnedFolder(site).clear())
        forget(site)
    return sum(files for files, _ in removed), sum(size for _, size in removed)


def _pruned(store: Store, progress: Progress) -> tuple[int, int]:
    with held(store.folder, progress.note):  # or what is being computed would seem to be nobody's
        return store.prune(store.read_run().plan)


def _remove_runs(runs: Path, progress: Progress) -> list[tuple[int, int]]:
    removed = []
    for store in runs_below(runs):
        try:
            store.read_run()
        except StoreError as error:
            progress.note(f"{store.folder} is left as it is, for it is no run of this program: {error}")
        else:
            with held(store.folder, progress.note):
                removed.append(store.remove())
    return removed
