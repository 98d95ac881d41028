"""What a form of export is: it reads a report and writes one file or one folder."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Protocol

from reportgen.outputs.model import ReportDocument
from reportgen.pages.document import document_of
from reportgen.pages.page import Page
from reportgen.pages.registry import all_pages
from reportgen.pages.report import Report
from reportgen.progress import SILENT, Progress
from reportgen.reading.addresses import relative_link
from reportgen.records.root_digest import read_root, seal


@dataclass(frozen=True)
class ExportRequest:
    """A report that is to leave the machine.

    `render` writes the site of a report to a folder and returns this folder; for the whole report it is done once, when
    a form asks for it, and `site` is where it lies. While mkdocs works on it, in a process of its own, what a form has
    put into `meanwhile` is done. `max_size` is how many bytes a file may have that can be made
    smaller. `scratch` is an empty folder for intermediate files, which is removed afterwards. `roots` has the root
    digest of each report that was sealed, the one that leaves the machine last. `page` is the address of the one page
    that is asked for, and empty for the whole; `published` is where the site can be opened, such as
    ``https://name.github.io/report/``, and empty where that is not known.
    """

    report: Report
    scratch: Path
    render: Callable[[Report, Path, Callable[[], object]], Path]
    progress: Progress = SILENT
    max_size: int = 95_000_000
    roots: list[str] = field(default_factory=list)
    meanwhile: list[Callable[[], object]] = field(default_factory=list)
    page: str = ""
    published: str = ""

    def link(self, address: str) -> str:
        """Return where a page of the site can be opened by others; empty where that is not known."""
        return f"{self.published.rstrip('/')}/{relative_link('', address)}" if self.published else ""

    @cached_property
    def pages(self) -> tuple[Page, ...]:
        """The pages of the site, as data."""
        return tuple(all_pages(self.report))

    @cached_property
    def document(self) -> ReportDocument:
        """All that the pages hold, in the neutral model."""
        return document_of(self.report.title, self.pages)

    @cached_property
    def site(self) -> Path:
        """The folder of the rendered and sealed site."""
        folder = self.render(self.report, self.scratch / "site", self._work)
        self.roots.extend(filter(None, [read_root(folder)]))
        return folder

    def _work(self) -> None:
        for work in self.meanwhile:
            work()

    @property
    def root(self) -> str:
        """The root digest of the report's site, which is rendered for it."""
        return read_root(self.site) or ""

    def seal(self, folder: Path) -> str:
        """Seal a report that was made from the site, such as one with less in it, and return its root digest."""
        self.roots.append(seal(folder))
        return self.roots[-1]


class ExportForm(Protocol):
    """One form of export, such as ``csv``.

    `name` is what ``--format`` calls it, `suffix` ends the name of its file and is empty where it is a folder, and
    `summary` says in a few words what it holds.
    """

    name: str
    suffix: str
    summary: str

    def write(self, request: ExportRequest, target: Path) -> None:
        """Write the report to `target`: a file's place, or an empty folder that is there.

        Raises RenderError for what this form cannot show, with what to do.
        """
        ...
