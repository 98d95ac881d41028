"""Tables fit the terminal without losing a number."""

from __future__ import annotations

from reportgen.listing import list_layers
from reportgen.tables import layers_table, table

ROWS = [["s2.pathway0_res0.branch2.a", "12345", "a remark that is long"], ["s2.pathway0_res0.branch2.b", "7", ""]]
HEADER = ["layer", "number", "remark"]


def test_a_table_that_fits_is_whole() -> None:
    text = table(HEADER, ROWS, right=(1,), width=80)
    assert all(cell in text for row in ROWS for cell in row)
    assert table(HEADER, ROWS, right=(1,)) == text


def test_the_remark_is_cut_before_the_name_and_numbers_never() -> None:
    lines = table(HEADER, ROWS, right=(1,), width=50).splitlines()
    assert max(map(len, lines)) <= 50
    assert ROWS[0][0] in lines[2]
    narrow = table(HEADER, ROWS, right=(1,), width=34).splitlines()
    assert max(map(len, narrow)) <= 34
    assert "12345" in narrow[2]
    assert narrow[2].split()[0].endswith("ch2.a")
    assert narrow[3].split()[0].endswith("ch2.b")


def test_layers_of_a_published_network_fit_120_columns() -> None:
    lines = layers_table(list_layers("i3d"), 120).splitlines()
    assert max(map(len, lines)) <= 120
    assert len({line.split()[0] for line in lines[2:]}) == len(lines) - 2, "two layers cannot be told apart"


def test_another_clip_gives_other_sizes() -> None:
    own = list_layers("r3d_18", clip={"frames": 8, "height": 56, "width": 56})
    assert own[0].facts.output == (64, 8, 28, 28)
