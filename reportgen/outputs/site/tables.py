"""A table of the neutral model as HTML: a header that stays, figures under each other, rows that sort by a click."""

from __future__ import annotations

from collections.abc import Callable

from markupsafe import Markup

from reportgen.outputs.model import STATE_WORDS, Cell, Column, Reference, References, Table
from reportgen.outputs.site.text import breakable, inert, symbols
from reportgen.outputs.told import told
from reportgen.reading import format as formats

Link = Callable[[str, object], Markup]
"""Words as a link to an address of the report, and as words alone where there is no such page."""


NAMED_COLUMNS = 16
"""Columns that a table can name as those of figures, as the style sheet knows them (``rg-n1`` to ``rg-n16``)."""


def table_html(table: Table, link: Link, *, sortable: bool = True, kinds: str = "") -> Markup:
    """Return a table that scrolls in a box of its own; `kinds` are more classes of the box."""
    head = Markup().join(
        Markup('<th scope="col"{}>{}</th>').format(Markup(_kind(c, place)), inert(c.header))  # noqa: S704 (ours)
        for place, c in enumerate(table.columns)
    )
    body = Markup("\n").join(_row(table, row, link, sortable) for row in table.rows)
    box = Markup('<div class="{}" tabindex="0" role="region" aria-label="{}">').format(
        " ".join(filter(None, ("rg-table", kinds))), inert(table.title)
    )
    attribute = Markup(" data-sortable") if sortable else Markup("")
    attribute += Markup(' id="{}-table"').format(inert(table.name))
    classes = " ".join(
        ["rg-t", *(f"rg-n{n}" for n, c in enumerate(table.columns, 1) if c.numeric and n <= NAMED_COLUMNS)]
    )
    return box + Markup('<table class="{}"{}><thead><tr>{}</tr></thead><tbody>\n{}\n</tbody></table></div>').format(
        classes, attribute, head, body
    )


def _kind(column: Column, place: int) -> str:
    """Return the attribute by which styles know a cell of figures; empty where its table names the column."""
    return ' class="num"' if column.numeric and place >= NAMED_COLUMNS else ""


def _row(table: Table, row: tuple[Cell, ...], link: Link, sortable: bool) -> Markup:
    cells = "".join(
        _cell(column, cell, link, place, sortable)
        for place, (column, cell) in enumerate(zip(table.columns, row, strict=True))
    )
    anchor = row[0].anchor if isinstance(row[0], Reference) else ""
    place = f' id="{inert(anchor)}"' if anchor else ""
    return Markup(f"<tr{place}>{cells}</tr>")  # noqa: S704 (all parts of a cell are inert)


def _cell(column: Column, cell: Cell, link: Link, place: int, sortable: bool) -> str:
    """Return a cell, put together as text: every part is inert by itself, and a table may have 10^5 of them."""
    shown: Markup = _shown(column, cell, link)
    value = _value(column, cell) if sortable else None
    data = "" if value is None else f' data-value="{inert(value)}"'
    kind = _kind(column, place)
    return f"<td{kind}{data}>{shown}</td>" if place else f'<th scope="row"{kind}{data}>{shown}</th>'


def _value(column: Column, cell: Cell) -> str | None:
    """Return what sorts a row by a column of numbers; empty where it is not known, None where the words do."""
    if isinstance(cell, Reference):
        return None if cell.rank is None else str(cell.rank)
    if not column.numeric or isinstance(cell, References):
        return None
    if column.form == "count" and not isinstance(cell, tuple):
        return None  # the script reads it as it is written
    value = (cell[column.leading] if cell else None) if isinstance(cell, tuple) else cell
    return "" if value is None else f"{value:.6g}" if isinstance(value, float) else str(value)


def _shown(column: Column, cell: Cell, link: Link) -> Markup:
    if isinstance(cell, Reference):
        return link(cell.address, _words(column, cell.words))
    if isinstance(cell, References) and cell.parts:
        return Markup(", ").join(link(part.address, _words(column, part.words)) for part in cell.parts)
    if isinstance(cell, References):
        return inert(cell.words)
    if isinstance(cell, str):
        return _words(column, cell)
    if isinstance(cell, tuple):
        known = [part for part in cell if part is not None]
        whole = known and len(known) == len(cell)
        return inert(column.joined.join(told(column.form, part) for part in known) if whole else formats.ABSENT)
    return inert(told(column.form, cell))


def _words(column: Column, words: str) -> Markup:
    match column.form:
        case "code":
            return Markup('<code class="rg-layer">{}</code>').format(breakable(words))
        case "digest":
            return Markup('<code class="rg-digest">{}</code>').format(inert(words))
        case "state":
            return Markup('<span class="rg-badge rg-badge--{}"><b>{}</b></span>').format(words, STATE_WORDS[words])
        case "symbols":
            return symbols(words)
        case _:
            return inert(words)
