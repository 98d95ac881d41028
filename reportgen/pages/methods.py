"""Methods and limits: how it was made, and what it cannot show."""

from __future__ import annotations

from collections.abc import Iterator

from reportgen.audit.null_rates import null_rates
from reportgen.pages.page import Found, Page
from reportgen.pages.report import Report


def pages(report: Report) -> Iterator[Page]:
    """Yield the one page; its figures are those that the test suite requires."""
    yield Page(
        uri="methods.md",
        title="Methods and limits",
        template="pages/methods.md.j2",
        context={"report": report, "rates": null_rates()},
        nav=(),
        nav_title="Methods and limits",
        finder=Found("Methods and limits", "how it was made", "formula caveats citation threshold"),
    )
