"""Methods of a summary: the known answer that each must reach, and how often verdicts pass where they must not."""

from __future__ import annotations

from dataclasses import replace

from reportgen.audit.null_rates import null_rates
from reportgen.outputs.model import Column, Prose, Section, Table, columns
from reportgen.pages.method_notes import notes_of
from reportgen.pages.methods import rates_table
from reportgen.pages.report import Report
from reportgen.records.jobs import Done

METHODS_PAGE = "methods.md"


def methods_part(report: Report) -> Section:
    """Return the methods that the report has answers of with their known answers, and the null rates."""
    notes = notes_of(answered(report))
    heads = columns("Method", Column("Known answer that its code must reach", "symbols"), Column("Sources", "symbols"))
    told = tuple((note.title, " ".join(note.known), " ".join(note.cites)) for note in notes)
    lead = Prose(
        "How each picture was made, with its formula and its limits, is told on the site's page of methods. Each "
        "method has a known answer that its code must reach before it is released."
    )
    known = Table("known-answers", "Methods and their known answers", heads, told)
    return Section(METHODS_PAGE, "Methods", (lead, *((known,) if told else ()), rates_told()))


def answered(report: Report) -> set[str]:
    """Return the analyses of which a report has an answer."""
    records = (record for model in report.models for record in model.manifest.records)
    return {record.job.analysis for record in records if isinstance(record.outcome, Done)}


def rates_told() -> Table:
    """Return how often each verdict passes on nulls and on planted cases."""
    table = rates_table(null_rates())
    caption = (
        "A verdict is worth as much as it can fail: tried on networks and figures of which it is known that it must "
        "not pass (nulls), and on others of which it must (planted). Null rates of at most 5% are asked for. "
    )
    return replace(table, caption=caption + table.caption)
