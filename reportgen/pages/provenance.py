"""Provenance: can it be reproduced? Command, seeds, versions, digests, device, time, and every record."""

from __future__ import annotations

import shlex
from collections.abc import Iterator

from reportgen.pages.page import Found, Page
from reportgen.pages.provenance_tables import provenance_tables
from reportgen.pages.report import Report
from reportgen.records.root_digest import UNSEALED


def pages(report: Report) -> Iterator[Page]:
    """Yield one page per model."""
    for model in report.models:
        records, tables = model.manifest.records, tuple(provenance_tables(model))
        yield Page(
            uri=model.addresses.provenance,
            title=f"Provenance of {model.title}",
            template="pages/provenance.md.j2",
            context={
                "model": model,
                "run": model.run,
                "root": UNSEALED,
                "command": shlex.join(model.run.environment.command),
                "seeds": sorted({record.job.seed for record in records}),
                "records": len(records),
                "tables": {table.name: table for table in tables},
                "troubles": model.troubles(),
                "unfinished": len(model.run.plan) - len(records),
            },
            sources=tuple(record.key for record in records),
            nav=(model.title,),
            nav_title="Provenance",
            wide=True,
            finder=Found(f"Provenance of {model.title}", "provenance", "seed version digest weights"),
            blocks=tables,
        )
