"""A table as CSV: numbers under names with units, and one column for each part of a cell."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from io import StringIO

from reportgen.bidi import without_bidi
from reportgen.outputs.model import Cell, Column, Reference, References, Table

_DIGITS = 7
"""Of a number: as many as the networks' own numbers (float32) have."""

_FORMULA = ("=", "+", "-", "@", "\t", "\r")
"""What spreadsheets take for the beginning of a formula: names of clips and labels may begin so."""


def csv_text(table: Table) -> str:
    """Return a table as CSV with Unix line ends; what is not known is an empty field."""
    text = StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow([header for column in table.columns for header in _headers(column)])
    for row in table.rows:
        writer.writerow([value for pair in zip(table.columns, row, strict=True) for value in _values(*pair)])
    return without_bidi(text.getvalue())


def _headers(column: Column) -> Iterator[str]:
    for part in column.parts or ("",):
        name = f"{column.name}: {part}" if part else column.name
        yield no_formula(f"{name} [{column.unit}]" if column.unit else name)


def _values(column: Column, cell: Cell) -> Iterator[str]:
    parts = cell if isinstance(cell, tuple) else (cell,)
    count = len(column.parts) or 1
    for place in range(count):
        yield _plain(parts[place] if place < len(parts) else None)


def _plain(cell: Cell) -> str:
    if cell is None:
        return ""
    if isinstance(cell, Reference | References):
        return no_formula(cell.words)
    if isinstance(cell, str):
        return no_formula(cell)
    return repr(float(f"{cell:.{_DIGITS}g}")) if isinstance(cell, float) else repr(cell)


def no_formula(text: str) -> str:
    """Return text that no spreadsheet takes for a formula."""
    return f"'{text}" if text.startswith(_FORMULA) else text
