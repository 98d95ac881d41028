"""Methods of a summary: the known answer that each must reach, and how often verdicts pass where they must not."""

from __future__ import annotations

from reportgen.audit.null_rates import Rate, null_rates
from reportgen.outputs.model import Column, Prose, Section, Table, columns
from reportgen.pages.method_notes import notes_of
from reportgen.pages.report import Report
from reportgen.reading.format import count, percent
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
    return Section(METHODS_PAGE, "Methods", (lead, *((known,) if told else ()), rates_table()))


def answered(report: Report) -> set[str]:
    """Return the analyses of which a report has an answer."""
    records = (record for model in report.models for record in model.manifest.records)
    return {record.job.analysis for record in records if isinstance(record.outcome, Done)}


def rates_table() -> Table:
    """Return how often each verdict passes on nulls and on planted cases."""
    rates = null_rates()
    heads = columns("Verdict or sentence", "Null", Column("Passes"), "Planted", Column("Passes"))
    told = tuple((row.verdict, row.null, _rate(row.null_rate), row.planted, _rate(row.power)) for row in rates.cases)
    caption = (
        "A verdict is worth as much as it can fail: tried on networks and figures of which it is known that it must "
        "not pass (nulls), and on others of which it must (planted); in brackets the 95% interval of the rate. Null "
        f"rates of at most 5% are asked for. Measured with reportgen {rates.reportgen} and torch {rates.torch}."
    )
    return Table("null-rates", "How often verdicts pass", heads, told, caption)


def _rate(rate: Rate) -> str:
    return f"{count(rate.passed)} of {count(rate.of)} ({percent(rate.low, 1)} to {percent(rate.high, 1)})"
