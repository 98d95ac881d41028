"""A report as its site carries it: its runs without what sites leave behind, and how it was rendered."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from pathlib import Path

from pydantic import ValidationError

from reportgen.errors import ArchiveError
from reportgen.pages.downloads import is_carried
from reportgen.pages.report import Extras, Report
from reportgen.records.finding import runs_below
from reportgen.records.jobs import Artifact
from reportgen.records.paths import inside
from reportgen.records.report_facts import REPORT_FILE, ReportFacts
from reportgen.records.store import Store


@dataclass(frozen=True)
class CarriedReport:
    """A report as its site carries it: how it was rendered, and its runs without what sites leave behind."""

    folder: Path
    facts: ReportFacts
    stores: tuple[Store, ...]

    @classmethod
    def of(cls, folder: Path) -> CarriedReport:
        """Read how the site in a folder was rendered, and find its runs; raises ArchiveError where it says neither."""
        try:
            facts = ReportFacts.model_validate_json(inside(folder, REPORT_FILE).read_bytes())
        except FileNotFoundError as error:
            raise ArchiveError(
                f"It has no {REPORT_FILE}, by which its pages could be made again: an earlier version rendered it."
            ) from error
        except (OSError, ValidationError) as error:
            raise ArchiveError(f"Its {REPORT_FILE} is damaged or of another version of reportgen.") from error
        absent = partial(_left_behind, full=facts.media == "full")
        stores = tuple(Store(one.folder, absent) for one in runs_below(folder))
        if not stores:
            raise ArchiveError("It carries no run: there is nothing to make its pages from.")
        return cls(folder, facts, stores)

    def report(self) -> Report:
        """Return the report that its site shows; raises StoreError."""
        extras = Extras(arrows=self.facts.arrows, media=self.facts.media == "full")
        return Report.of(self.stores, self.facts.selected, extras)


def _left_behind(artifact: Artifact, *, full: bool) -> bool:
    return not is_carried(artifact, full=full)
