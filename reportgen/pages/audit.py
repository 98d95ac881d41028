"""The audit page: how far one may rely on all this, figure by figure against its threshold."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from reportgen.audit.checks import checks, headlines
from reportgen.pages.page import Found, Page
from reportgen.pages.report import Report


def pages(report: Report) -> Iterator[Page]:
    """Yield one page per model."""
    for model in report.models:
        rows = checks(model)
        yield Page(
            uri=model.addresses.audit,
            title=f"Audit of {model.title}",
            template="pages/audit.md.j2",
            context={
                "model": model,
                "rows": rows,
                "counts": Counter(row.state for row in rows),
                "headlines": headlines(model),
                "troubles": model.troubles(),
            },
            sources=tuple(record.key for record in model.manifest.records),
            nav=(model.title,),
            nav_title="Audit",
            wide=True,
            finder=Found(f"Audit of {model.title}", "audit", "pass warn fail"),
        )
