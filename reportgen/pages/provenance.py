"""Provenance: can it be reproduced? Command, seeds, versions, digests, device, time, and every record."""

from __future__ import annotations

import shlex
from collections import Counter
from collections.abc import Iterator

from reportgen.anonymous.fields import DROPPED
from reportgen.pages.page import Found, Page
from reportgen.pages.report import ModelView, Report
from reportgen.reading.format import metric_rows
from reportgen.records.jobs import Done
from reportgen.records.root_digest import UNSEALED


def analysis_rows(model: ModelView) -> list[tuple[str, int, int, int, int, float]]:
    """Return for each analysis its version, its jobs done, skipped and failed, and its seconds."""
    rows = []
    for name in dict.fromkeys(record.job.analysis for record in model.manifest.records):
        records = model.manifest.of(name)
        states = [record.outcome.status for record in records]
        done, skipped, failed = (states.count(state) for state in ("done", "skipped", "failed"))
        rows.append(
            (name, records[0].job.version, done, skipped, failed, sum(record.spent.seconds for record in records))
        )
    return rows


def note_rows(model: ModelView) -> list[tuple[str, str, int]]:
    """Return what analyses noted of their answers, such as work that a preset left out, each with its jobs' number."""
    counts = Counter(
        (record.job.analysis, note)
        for record in model.manifest.records
        if isinstance(record.outcome, Done)
        for note in record.outcome.notes
    )
    return [(analysis, note, count) for (analysis, note), count in counts.items()]


def pages(report: Report) -> Iterator[Page]:
    """Yield one page per model."""
    for model in report.models:
        records = model.manifest.records
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
                "analyses": analysis_rows(model),
                "notes": note_rows(model),
                "records": records,
                "troubles": model.troubles(),
                "options": metric_rows(dict(model.run.options)),
                "left_out": DROPPED if model.run.anonymous else {},
                "unfinished": len(model.run.plan) - len(records),
            },
            sources=tuple(record.key for record in records),
            nav=(model.title,),
            nav_title="Provenance",
            wide=True,
            finder=Found(f"Provenance of {model.title}", "provenance", "seed version digest weights"),
        )
