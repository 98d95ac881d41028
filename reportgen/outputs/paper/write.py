"""A document as one page of HTML that needs no other file: styles, fonts, charts and pictures are in it."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup, escape

from reportgen.bidi import without_bidi
from reportgen.outputs.column_shares import cell_text, column_shares
from reportgen.outputs.model import (
    STATE_WORDS,
    Cell,
    Column,
    PictureRow,
    Reference,
    References,
    ReportDocument,
    Table,
)
from reportgen.outputs.paper.draw import Drawing, drawing
from reportgen.outputs.paper.pictures import address_of, strip_address
from reportgen.outputs.site.text import anchor
from reportgen.reading import format as formats
from reportgen.resources import templates_folder

AddressOpener = Callable[[str], str]
"""Returns where an address of the report can be opened; empty where it cannot."""

_FONTS = (
    ("Report Sans", "source-sans-3-latin"),
    ("Report Sans Ext", "source-sans-3-latin-ext"),
    ("Report Sans Greek", "source-sans-3-greek"),
    ("Report Symbols", "dejavu-sans-symbols"),
    ("Report Mono", "dejavu-sans-mono-latin"),
)
_SHORT_ROWS, _SHORT_LETTERS = 14, 1500
_FACES = (("400-normal", 400, "normal"), ("600-normal", 600, "normal"), ("400-italic", 400, "italic"))


def summary_html(document: ReportDocument, link: AddressOpener) -> str:
    """Return a document as HTML; `link` says where its addresses can be opened.

    Raises StoreError when a picture of a run is damaged.
    """
    folder = templates_folder() / "paper"
    environment = Environment(
        loader=FileSystemLoader(folder),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters.update(count=formats.count, widths=_widths, shares=column_shares, short=_short)
    page = environment.get_template("summary.html.j2").render(
        document=document,
        styles=Markup(font_faces() + (folder / "summary.css").read_text(encoding="utf-8")),  # noqa: S704
        states=STATE_WORDS,
        link=lambda address: link(address) if address else "",
        kind_of=lambda block: type(block).__name__,
        strip_address=strip_address,
        drawn=drawing,
        anchor=anchor,
        cell=lambda column, cell: _cell(column, cell, link),
    )
    return without_bidi(page)


def drawing_html(drawing: Drawing) -> str:
    """Return a drawing as a page of its own size; its letters are those of `font_faces`."""
    size = f"@page{{size:{drawing.width}mm {drawing.height}mm;margin:0}}body{{margin:0}}img{{display:block}}"
    return f'<!doctype html><style>{size}</style><img src="{drawing.address}" alt="">'


def font_faces() -> str:
    """Return the styles that hold the fonts of papers."""
    folder = templates_folder() / "paper" / "fonts"
    found = []
    for family, name in _FONTS:
        for face, weight, style in _FACES:
            file = folder / f"{name}-{face}.woff2"
            if file.is_file():
                found.append(
                    f'@font-face{{font-family:"{family}";font-weight:{weight};font-style:{style};'
                    f"src:url({address_of(file.read_bytes(), 'font/woff2')})}}\n"
                )
    return "".join(found)


def _widths(rows: Sequence[PictureRow]) -> list[float]:
    """Return the columns' widths in per cent: in proportion to what stands in them, so that rows are equally high."""
    columns = zip(*(row.pictures for row in rows), strict=True)
    aspects = [max((one.aspect for one in column if one), default=1.0) for column in columns]
    return [round(100 * aspect / sum(aspects), 2) for aspect in aspects]


def _short(table: Table) -> bool:
    """Whether a table stands on one page: a third of it at most."""
    letters = sum(len(cell_text(*pair)) for row in table.rows for pair in zip(table.columns, row, strict=True))
    return len(table.rows) <= _SHORT_ROWS and letters <= _SHORT_LETTERS


def _cell(column: Column, cell: Cell, link: AddressOpener) -> Markup:
    if isinstance(cell, Reference):
        to = link(cell.address) if cell.address else ""
        words = _words(column, cell.words)
        return Markup('<a href="{}">{}</a>').format(to, words) if to else words
    if isinstance(cell, References):
        return Markup(", ").join(_cell(column, part, link) for part in cell.parts) or escape(cell.words)
    if isinstance(cell, str):
        return _words(column, cell)
    return escape(cell_text(column, cell))


def _words(column: Column, words: str) -> Markup:
    match column.form:
        case "code" | "digest":
            return Markup("<code>{}</code>").format(words)
        case "state":
            return Markup('<span class="state {}">{}</span>').format(words, STATE_WORDS[words])
        case "symbols" if words.count("*") % 2 == 0:
            parts = enumerate(words.split("*"))
            return Markup().join(Markup("<i>{}</i>").format(part) if i % 2 else escape(part) for i, part in parts)
        case _:
            return escape(words)
