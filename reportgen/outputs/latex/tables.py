"""Tables of a document as LaTeX: booktabs, with caption and label."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from reportgen.outputs.column_shares import cell_text, column_shares
from reportgen.outputs.latex.text import tex, tex_caption, tex_symbols
from reportgen.outputs.model import Cell, Column, FrameStrip, PictureTable, Table

TABLE_LINE = 112
"""Letters of a table's size that stand in a line of a page: LaTeX's own font is a wide one."""

_MANY_COLUMNS = 8
LONGEST_FLOAT = 24
"""Rows of a table that floats; a longer one runs over pages."""


def table_tex(table: Table, label: str) -> str:
    """Return a table: one that floats where it is short, else one that runs over pages (longtable)."""
    shares = column_shares(table, TABLE_LINE)
    columns = "".join(_column(*pair) for pair in zip(table.columns, shares, strict=True))
    head = " & ".join(tex(column.header) for column in table.columns)
    rows = [" & ".join(_cell(*pair) for pair in zip(table.columns, row, strict=True)) for row in table.rows]
    letters = sum(len(cell_text(*pair)) for row in table.rows for pair in zip(table.columns, row, strict=True))
    short = len(rows) <= LONGEST_FLOAT and letters <= 3000
    small = "\\scriptsize" if len(table.columns) > _MANY_COLUMNS else ""
    return (_floating if short else _running)(columns, head, rows, caption_of(table), label, small)


def pictures_tex(table: PictureTable, label: str, file_of: Callable[[FrameStrip], str]) -> str:
    """Return a table of pictures; `file_of` returns a picture's file, from the folder of the paper."""
    aspects = [max([one.aspect for one in column if one] or [1.0]) for column in _columns_of(table)]
    shares = [aspect / sum(aspects) for aspect in aspects]
    columns = "".join(_left(share) for share in shares)
    head = " & ".join(map(tex, table.heads))
    rows, group, wide = [], "", len(table.heads)
    for row in table.rows:
        if row.group and row.group != group:
            group = row.group
            rows.append(_across(wide, rf"\textbf{{{tex(group)}}}"))
        rows.append(_across(wide, rf"\textbf{{{tex(row.title)}}} {tex(row.text)}"))
        seen = (
            rf"\reportpicture{{{one.aspect / max(r.aspect for r in row.pictures if r):.4f}}}{{{file_of(one)}}}"
            if one
            else "no picture"
            for one in row.pictures
        )
        rows.append(" & ".join(seen))
    return _running(columns, head, rows, caption_of(table), label, "")


def _across(columns: int, words: str) -> str:
    """Return a row whose words stand across all columns, in as many lines as they need."""
    return rf"\multicolumn{{{columns}}}{{@{{}}p{{\linewidth}}@{{}}}}{{\raggedright {words}}}"


def _columns_of(table: PictureTable) -> Iterable[tuple[FrameStrip | None, ...]]:
    return zip(*(row.pictures for row in table.rows), strict=True)


def caption_of(block: Table | PictureTable) -> str:
    """Return a caption: the title, what explains it, and how many rows are elsewhere."""
    left = (
        f"{block.left_out} more {'is' if block.left_out == 1 else 'are'} {block.left_where}." if block.left_out else ""
    )
    return " ".join(filter(None, (f"{block.title}.", block.caption, left)))


def _column(column: Column, share: float) -> str:
    return _left(share) if not column.numeric else rf">{{\raggedleft\arraybackslash}}p{{{_width(share)}}}"


def _left(share: float) -> str:
    return rf">{{\raggedright\arraybackslash}}p{{{_width(share)}}}"


def _width(share: float) -> str:
    return rf"\dimexpr {share:.4f}\linewidth-2\tabcolsep\relax"


def _cell(column: Column, cell: Cell) -> str:
    text = cell_text(column, cell)
    match column.form:
        case "symbols":
            return tex_symbols(text)
        case "code" | "digest":
            return rf"\texttt{{{tex(text)}}}"
        case _:
            return tex(text)


def _floating(columns: str, head: str, rows: list[str], caption: str, label: str, small: str) -> str:
    body = " \\\\\n".join(rows)
    return (
        f"\\begin{{table}}[htbp]\n\\centering\\reporttablesize{small}\n"
        f"\\caption{{{tex_caption(caption)}}}\n\\label{{{label}}}\n\\begin{{tabular}}{{{columns}}}\n"
        f"\\toprule\n{head} \\\\\n\\midrule\n{body} \\\\\n\\bottomrule\n\\end{{tabular}}\n\\end{{table}}\n"
    )


def _running(columns: str, head: str, rows: list[str], caption: str, label: str, small: str) -> str:
    body = " \\\\\n".join(rows)
    return (
        f"{{\\reporttablesize{small}\n\\begin{{longtable}}{{{columns}}}\n"
        f"\\caption{{{tex_caption(caption)}}}\\label{{{label}}} \\\\\n"
        f"\\toprule\n{head} \\\\\n\\midrule\n\\endfirsthead\n\\toprule\n{head} \\\\\n\\midrule\n\\endhead\n"
        f"\\bottomrule\n\\endlastfoot\n{body} \\\\\n\\end{{longtable}}}}\n"
    )
