"""Comparing two reports: what changed by more than noise between two checkpoints, or two dates."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from reportgen.given import given_path
from reportgen.outputs.paper.write import summary_html
from reportgen.pages.downloads import is_carried
from reportgen.pages.report import Report
from reportgen.proof.archive import checked_files, opened_report
from reportgen.proof.carried import CarriedReport
from reportgen.proof.changes import ReportDifference
from reportgen.proof.difference import difference
from reportgen.proof.difference_page import difference_document
from reportgen.records.files import write_text
from reportgen.records.finding import find_runs, runs_below
from reportgen.records.jobs import Artifact
from reportgen.records.report_facts import REPORT_FILE
from reportgen.records.store import Store


def diff(first: str | Path, second: str | Path, *, to: str | Path | None = None) -> ReportDifference:
    """Return what differs between two reports by more than noise; needs no torch.

    `first` and `second` are folders of runs, a run's folder, a report's site or its zip archive. Kernels are matched by
    their responses to the reference clips that both measured, which runs have, and sites with all media. With `to` the
    comparison is written there as one HTML file that needs no other.

    Raises ArchiveError for what is no report or must not be unpacked, StoreError when a run cannot be read.
    """
    with _report(given_path(first)) as one, _report(given_path(second)) as other:
        names = _names(Path(first), Path(second))
        found = difference((names[0], one), (names[1], other))
    if to is not None:
        write_text(Path(to), summary_html(difference_document(found), lambda _: ""))
    return found


def _names(first: Path, second: Path) -> tuple[str, str]:
    """Return what the two are called: their names, with their folders' where these are the same."""
    one, other = first.resolve(), second.resolve()
    if one.name != other.name:
        return one.name, other.name
    return f"{one.parent.name}/{one.name}", f"{other.parent.name}/{other.name}"


@contextmanager
def _report(path: Path) -> Iterator[Report]:
    if path.is_dir() and not (path / REPORT_FILE).exists() and (Store(path).has_run() or runs_below(path)):
        yield Report.of([Store(store.folder, _may_be_absent) for store in find_runs(path)])
        return
    with opened_report(path) as folder:
        checked_files(folder)
        yield CarriedReport.of(folder).report()


def _may_be_absent(artifact: Artifact) -> bool:
    return not is_carried(artifact, full=False)
