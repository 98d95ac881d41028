"""The known answers of a report as tables: what each method found in its planted case, beside what it must find."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from reportgen.audit.known_answers import figure_state, known_answers, must_be
from reportgen.outputs.model import Cell, Column, Table, columns
from reportgen.pages.method_notes import METHOD_NOTES
from reportgen.pages.report import ModelView
from reportgen.reading.views import Trouble, trouble
from reportgen.records.answers.known_answers import KnownAnswer, KnownFigure


@dataclass(frozen=True)
class ShownAnswer:
    """A known answer as the methods page shows it: what was planted, by which method's version, and its figures."""

    version: int
    planted: str
    holds: bool
    table: Table


def shown_answers(models: Sequence[ModelView]) -> dict[str, ShownAnswer]:
    """Return the known answers by their case: of several networks the first, or the first that is not reproduced."""
    found: dict[str, KnownAnswer] = {}
    for model in models:
        for answer in known_answers(model):
            if answer.case not in found or (found[answer.case].holds and not answer.holds):
                found[answer.case] = answer
    return {case: _shown(answer) for case, answer in found.items()}


def answer_troubles(models: Sequence[ModelView]) -> list[Trouble]:
    """Return why known answers are missing that should be there."""
    records = [record for model in models for record in model.manifest.of("known_answers")]
    return [found for record in records if (found := trouble(record.job.unit, record.outcome))]


def _shown(answer: KnownAnswer) -> ShownAnswer:
    heads = columns("Computed with this report", Column("", "state"), Column("Found", "number"), "Must be")
    told: list[tuple[Cell, ...]] = [(_named(one), figure_state(one), one.found, must_be(one)) for one in answer.figures]
    title = next((note.title for note in METHOD_NOTES if answer.case in (note.cases or (note.anchor,))), answer.case)
    table = Table(f"known-{answer.case}", f"Known answer: {title}", heads, tuple(told))
    return ShownAnswer(answer.version, answer.planted, answer.holds, table)


def _named(figure: KnownFigure) -> str:
    """Return what a figure is, with its unit."""
    words = figure.what[:1].upper() + figure.what[1:]
    return f"{words}, {figure.unit}" if figure.unit else words
