"""A report in the neutral model: what its pages hold, in their order, for outputs that are no site."""

from __future__ import annotations

from collections.abc import Iterable

from reportgen.outputs.model import ReportDocument, Section
from reportgen.pages.page import Page


def document_of(title: str, pages: Iterable[Page]) -> ReportDocument:
    """Return the document that a report's pages make; pages that hold neither table nor figure are no part of it."""
    return ReportDocument(title, tuple(Section(page.uri, page.title, page.blocks) for page in pages if page.blocks))
