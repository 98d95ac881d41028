"""Tables of the neutral model: what a reader sees, and what a program reads."""

from __future__ import annotations

import re
from functools import partial

import pytest
from markupsafe import Markup

from reportgen.outputs.comma_separated import csv_text
from reportgen.outputs.model import Column, Reference, ReportDocument, Table, columns, data_address
from reportgen.outputs.site.tables import NAMED_COLUMNS, table_html
from reportgen.outputs.site.text import inert
from reportgen.pages.document import document_of
from reportgen.pages.page import Page
from reportgen.resources import templates_folder

TABLE = Table(
    "speeds",
    "Speeds <of> kernels",
    columns(
        "Kernel",
        Column("Speed", "number", "px/frame"),
        Column("95% interval", "fixed", parts=("low", "high")),
        Column("Faithful", "count", parts=("maps", "of"), joined=" of "),
        Column("Verdict", "state"),
    ),
    (
        (Reference("stem #1", "m/stem/0001.md"), 1.23456, (1.0, 1.5), (3, 4), "pass"),
        ("=1+1", None, (None, None), (), "untested"),
    ),
)


def link(target: str, words: object) -> Markup:
    return Markup('<a href="{}">{}</a>').format(target, words if isinstance(words, Markup) else inert(words))


def test_a_table_shows_rounded_figures_with_their_unit_in_the_header() -> None:
    html = table_html(TABLE, link)
    assert "Speed, px/frame" in html
    assert ">1.23<" in html
    assert 'data-value="1&#46;23456"' in html or 'data-value="1.23456"' in html
    assert ">1.00 to 1.50<" in html
    assert ">3 of 4<" in html
    assert '<a href="m/stem/0001.md">stem &#35;1</a>' in html
    assert "<of>" not in html


def test_a_table_names_its_columns_of_figures_as_the_style_sheet_knows_them() -> None:
    html = table_html(TABLE, link)
    assert '<table class="rg-t rg-n2 rg-n3 rg-n4"' in html
    assert 'class="num"' not in html, "not in each of thousands of cells"
    style = (templates_folder() / "assets" / "css" / "report.css").read_text(encoding="utf-8")
    known = [(int(n), int(place)) for n, place in re.findall(r"\.rg-n(\d+) tr > :nth-child\((\d+)\)", style)]
    assert known == [(n, n) for n in range(1, NAMED_COLUMNS + 1)]
    many = Table(
        "many", "Many", columns(*(Column(f"Column {n}", "count") for n in range(NAMED_COLUMNS + 2))), ((1,) * 18,)
    )
    wide = str(table_html(many, link, sortable=False))
    assert f"rg-n{NAMED_COLUMNS}" in wide
    assert wide.count('<td class="num">1</td>') == wide.count('<th scope="col" class="num">') == 2
    assert wide.count("<td>1</td>") == NAMED_COLUMNS - 1


def test_what_is_not_known_is_a_dash_and_not_tested_is_no_pass() -> None:
    last = str(table_html(TABLE, link)).splitlines()[-2]
    assert last.count(">–<") == 3
    assert "rg-badge--untested" in last
    assert "not tested" in last


def test_csv_holds_raw_numbers_and_a_column_for_each_part() -> None:
    head, first, second = csv_text(TABLE).splitlines()
    assert head == "Kernel,Speed [px/frame],95% interval: low,95% interval: high,Faithful: maps,Faithful: of,Verdict"
    assert first == "stem #1,1.23456,1.0,1.5,3,4,pass"
    assert second == "'=1+1,,,,,,untested", "no spreadsheet takes a name for a formula"


def test_a_row_of_another_length_is_refused() -> None:
    with pytest.raises(ValueError, match="2 cells under 1 columns"):
        Table("one", "One", columns("a"), (("x", "y"),))


def test_a_page_names_its_blocks_apart() -> None:
    page = partial(Page, uri="m/motion.md", title="Motion", template="x", context={})
    with pytest.raises(ValueError, match="alike"):
        page(blocks=(TABLE, TABLE))
    document = document_of("Report", [page(), page(blocks=(TABLE,))])
    assert document == ReportDocument("Report", document.sections)
    assert [section.blocks for section in document.sections] == [(TABLE,)]
    assert data_address("m/motion.md", TABLE.name) == "m/motion.speeds.csv"


def test_csv_has_the_seven_digits_of_float32_and_whole_numbers_whole() -> None:
    numbers = (0.1 + 0.2, 1.0098519325256348, 123456789, 1e-12 / 3, 2.0)
    table = Table("n", "N", columns(*(Column(str(place), "number") for place in range(5))), (numbers,))
    assert csv_text(table).splitlines()[1] == "0.3,1.009852,123456789,3.333333e-13,2.0"


def test_a_dotted_name_may_break_behind_its_dots_and_nowhere_else() -> None:
    table = Table(
        "layers",
        "Layers",
        columns("#", Column("Layer", "code")),
        (
            (1, "gru.weight_hh__l0"),
            (2, "<b>.x"),
        ),
    )
    shown = table_html(table, link)
    assert "gru.<wbr>weight&#95;<wbr>hh&#95;&#95;<wbr>l0<" in shown
    assert "&#60;b&#62;.<wbr>x<" in shown
