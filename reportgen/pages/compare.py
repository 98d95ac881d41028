"""The page that puts what a reader chose side by side, in step."""

from __future__ import annotations

from collections.abc import Iterator

from reportgen.pages.comparable import COMPARE_PAGE
from reportgen.pages.page import Found, Page
from reportgen.pages.report import Report


def pages(report: Report) -> Iterator[Page]:
    """Yield the one page; scripts fill it with what the reader chose, or what its link names."""
    classes = ", classes" if any(model.has_classes for model in report.models) else ""
    compared = f"Kernels, clips{classes} and networks"
    yield Page(
        uri=COMPARE_PAGE,
        title="Side by side",
        template="pages/compare.md.j2",
        context={"report": report, "compared": compared},
        nav=(),
        nav_title="Side by side",
        wide=True,
        finder=Found("Side by side", f"{compared.lower()} compared", "compare tray"),
        description=f"{compared} of this report side by side, in step.",
    )
