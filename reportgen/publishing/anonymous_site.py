"""The site of an anonymous report, made from copies of its runs and searched for names."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

from reportgen.exports.anonymity import anonymous_runs
from reportgen.pages.report import Report
from reportgen.progress import Progress
from reportgen.records.finding import find_runs
from reportgen.scanning.scanner import check_report
from reportgen.scanning.words import ForbiddenWords
from reportgen.site import write_site


def anonymous_site(
    runs: Iterable[Path], folder: Path, *, forbid: Sequence[str], keep_digest: bool, progress: Progress
) -> tuple[Path, ForbiddenWords]:
    """Write into `folder` the site of runs without what tells who made them; return it, and what must not be in it.

    Raises StoreError when there are no runs, ForbiddenWordError when a name is found in what was written.
    """
    stores = [store for place in runs for store in find_runs(place)]
    own = anonymous_runs(stores, folder / "runs", forbid=forbid, keep_digest=keep_digest, progress=progress)
    site = write_site(Report.of(own.stores), folder / "site", folder / "build", progress).parent
    check_report(site, own.words, site.name, progress)
    return site, own.words
