"""How wide the columns of a table are on paper: figures stand in one line, words share what is left."""

from __future__ import annotations

import math

from reportgen.outputs.model import STATE_WORDS, Cell, Column, Reference, References, Table
from reportgen.outputs.told import told
from reportgen.reading import format as formats

LINE = 136
"""Letters of a table's size that stand in a line of a page."""

_LONGEST_FIGURE, _LONGEST_WORD, _CODE = 30, 24, 1.3


def cell_text(column: Column, cell: Cell) -> str:
    """Return a cell as words; a dash for what is not known."""
    if isinstance(cell, Reference | References):
        return cell.words
    if isinstance(cell, str):
        return STATE_WORDS[cell] if column.form == "state" else cell
    if isinstance(cell, tuple):
        known = [part for part in cell if part is not None]
        whole = known and len(known) == len(cell)
        return column.joined.join(told(column.form, part) for part in known) if whole else formats.ABSENT
    return told(column.form, cell)


def column_shares(table: Table, line: int = LINE) -> list[float]:
    """Return each column's share of the width of a table whose lines hold so many letters; they add up to 1."""
    texts = [[cell_text(c, row[place]) for row in table.rows] for place, c in enumerate(table.columns)]
    wide = [_in_one_line(c, own) for c, own in zip(table.columns, texts, strict=True)]
    words = [place for place, width in enumerate(wide) if not width]
    if not words:  # nothing is long: what is left goes to the first column, which names the rows
        wide[0] = max(wide[0], line - sum(wide[1:]))
    weights = {place: math.sqrt(sum(len(text) for text in texts[place]) + 1) for place in words}
    least = {place: _longest_word([table.columns[place].header, *texts[place]]) + 2.0 for place in words}
    room = max(line - sum(wide) - sum(least.values()), 0.0)
    total = sum(weights.values()) or 1.0
    for place in words:
        wide[place] = least[place] + room * weights[place] / total
    whole = sum(wide) or 1.0
    return [width / whole for width in wide]


def _in_one_line(column: Column, texts: list[str]) -> float:
    """Return the letters that a column needs whose cells stand in one line, and its name in two; 0 for long words."""
    longest = max((len(text) for text in texts), default=0) * (_CODE if column.form == "code" else 1)
    if longest > _LONGEST_FIGURE and not column.numeric:
        return 0.0
    name = max(_longest_word([column.header]), math.ceil(len(column.header) / 2) + 1)
    return min(max(longest, name), _LONGEST_FIGURE) + 2.0


def _longest_word(texts: list[str]) -> int:
    return min(max((len(word) for text in texts for word in text.split()), default=1), _LONGEST_WORD)
