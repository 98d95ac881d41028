"""The page that puts what a reader chose side by side, in step."""

from __future__ import annotations

from collections.abc import Iterator

from reportgen.pages.comparable import COMPARE_PAGE
from reportgen.pages.page import Found, Page
from reportgen.pages.report import Report


def pages(report: Report) -> Iterator[Page]:
    """Yield the one page; scripts fill it with what the reader chose, or what its link names."""
    yield Page(
        uri=COMPARE_PAGE,
        title="Side by side",
        template="pages/compare.md.j2",
        context={"report": report},
        nav=(),
        nav_title="Side by side",
        wide=True,
        finder=Found("Side by side", "kernels, clips, classes and networks compared", "compare tray"),
        description="Kernels, clips, classes and networks of this report side by side, in step.",
    )
