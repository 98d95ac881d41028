"""The tables of the provenance page: options, analyses and their notes, inputs with digests, and every record."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from reportgen.anonymous.fields import DROPPED
from reportgen.outputs.model import Cell, Column, Reference, Table, columns
from reportgen.pages.report import ModelView
from reportgen.reading.format import ABSENT, metric_rows
from reportgen.records.jobs import Done, Record

_DIGITS = 10
"""Of a record's key, as its table names it."""


def analyses_table(model: ModelView) -> Table:
    """Return for each analysis its version, how its jobs ended, and its seconds."""
    heads = columns(
        "Analysis",
        Column("Version", "count"),
        Column("Done", "count"),
        Column("Skipped", "count"),
        Column("Failed", "count"),
        Column("Time", "duration"),
    )
    rows: list[tuple[Cell, ...]] = []
    for name in dict.fromkeys(record.job.analysis for record in model.manifest.records):
        records = model.manifest.of(name)
        states = [record.outcome.status for record in records]
        ended = (states.count(state) for state in ("done", "skipped", "failed"))
        seconds = sum(record.spent.seconds for record in records)
        rows.append((name.replace("_", " "), records[0].job.version, *ended, seconds))
    return Table("analyses", "What was asked", heads, tuple(rows))


def notes_table(model: ModelView) -> Table:
    """Return what analyses noted of their answers, such as work that a preset left out, each with its jobs' number."""
    counts = Counter(
        (record.job.analysis, note)
        for record in model.manifest.records
        if isinstance(record.outcome, Done)
        for note in record.outcome.notes
    )
    told = tuple((analysis.replace("_", " "), note, count) for (analysis, note), count in counts.items())
    return Table("notes", "Notes", columns("Analysis", "Note", Column("Jobs", "count")), told)


def inputs_table(model: ModelView) -> Table:
    """Return the digests of the network's definition, of its weights and of every clip."""
    run = model.run
    rows: list[tuple[Cell, ...]] = []
    if run.source and run.source.file:
        rows.append(("Definition", run.source.file, run.source.sha256))
    origin = "untrained" if run.weights.untrained else (run.weights.source or run.weights.file or "–")
    unknown = ", of unknown origin" if run.weights.of_unknown_origin else ""
    rows.append(("Weights", origin + unknown, run.weights.digest()))
    rows += [(clip.title + (" (reference)" if clip.reference else ""), clip.source, clip.sha256) for clip in run.clips]
    heads = columns("Input", "Source", Column("SHA-256", "digest"))
    return Table("inputs", "Weights and clips", heads, tuple(rows))


def records_table(model: ModelView) -> Table:
    """Return every job with its outcome, and where its record lies: in the site, or in the run alone."""
    heads = columns("Unit", "Analysis", "Outcome", Column("Seed", "text"), Column("Time", "duration"), "Record")
    rows: list[tuple[Cell, ...]] = [
        (
            record.job.unit,
            record.job.analysis.replace("_", " "),
            record.outcome.status,
            str(record.job.seed),
            record.spent.seconds,
            _record(model, record),
        )
        for record in model.manifest.records
    ]
    return Table("records", "Records", heads, tuple(rows), caption=_elsewhere(model))


def _record(model: ModelView, record: Record) -> Reference:
    words = record.key[:_DIGITS]
    return Reference(words, model.record_uri(record)) if model.carries(record) else Reference(f"{words} (in the run)")


def _elsewhere(model: ModelView) -> str:
    if all(map(model.carries, model.manifest.records)):
        return ""
    if not model.has_records:
        return "Records are left out of this copy."
    return "A record that is long stays in the folder of the run, or comes with --media full."


def provenance_tables(model: ModelView) -> Iterator[Table]:
    """Yield the tables of the page that have rows."""
    pairs = {
        "options": ("Options", columns("Option", "Value"), _options(model)),
        "left-out": ("Left out of this copy", columns("Field", "Which"), _dropped(model)),
    }
    found = [Table(name, title, heads, tuple(map(tuple, told))) for name, (title, heads, told) in pairs.items()]
    found += [analyses_table(model), notes_table(model), inputs_table(model), records_table(model)]
    yield from (table for table in found if table.rows)


def _options(model: ModelView) -> list[tuple[str, str]]:
    """Return the options that have a value: what was not given says nothing."""
    return [row for row in metric_rows(dict(model.run.options)) if row[1] not in ("", ABSENT)]


def _dropped(model: ModelView) -> list[tuple[str, str]]:
    return list(DROPPED.items()) if model.run.anonymous else []
