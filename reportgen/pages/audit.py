"""The audit page: how far one may rely on all this, figure by figure against its threshold."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator

from reportgen.audit.checks import checks, headlines
from reportgen.audit.verdicts import WORST_FIRST, Verdict
from reportgen.outputs.model import Column, Reference, Table, columns
from reportgen.pages.page import Found, Page
from reportgen.pages.report import Report


def checks_table(found: Iterable[Verdict], caption: str = "") -> Table:
    """Return the checks with their thresholds."""
    heads = columns("Check", Column("Verdict", "state"), Column("Figure"), Column("Threshold"), Column("What it means"))
    told = ((Reference(row.name, row.link), row.state, row.figure, row.threshold, row.meaning) for row in found)
    return Table("checks", "Checks", heads, tuple(told), caption)


def pages(report: Report) -> Iterator[Page]:
    """Yield one page per model."""
    for model in report.models:
        rows = sorted(checks(model), key=lambda row: WORST_FIRST.index(row.state))
        table = checks_table(rows)
        yield Page(
            uri=model.addresses.audit,
            title=f"Audit of {model.title}",
            template="pages/audit.md.j2",
            description=f"{rows[0].name}: {rows[0].word}, {rows[0].figure}." if rows else "",
            context={
                "model": model,
                "table": table,
                "counts": Counter(row.state for row in rows),
                "headlines": headlines(model),
                "troubles": model.troubles(),
            },
            sources=tuple(record.key for record in model.manifest.records),
            nav=(model.title,),
            nav_title="Audit",
            wide=True,
            blocks=(table,),
            finder=Found(f"Audit of {model.title}", "audit", "pass warn fail"),
        )
