"""Tables fit the terminal without losing a number."""

from __future__ import annotations

import json
from pathlib import Path

from click.testing import CliRunner

from reportgen.cli import cli
from reportgen.cli.tables import layers_table, table
from reportgen.commands.layers import list_layers

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


NETWORK = """
from torch import nn


class Network(nn.Module):
    def __init__(self):
        super().__init__()
        self.stem = nn.Conv3d(3, 4, (3, 5, 5), (1, 2, 2), (1, 2, 2))
        self.body = nn.Conv3d(4, 8, 3, 1, 1, groups=2)
        self.head = nn.Linear(8, 5)
        self.spare = nn.Conv3d(3, 2, 1)

    def forward(self, clip):
        return self.head(self.body(self.stem(clip)).flatten(2).mean(2))
"""
CLIP = '{"frames": 8, "height": 16, "width": 16}'


def test_what_is_said_of_each_layer(tmp_path: Path) -> None:
    (tmp_path / "net.py").write_text(NETWORK)
    command = ["layers", f"{tmp_path / 'net.py'}:Network", "--clip-spec", CLIP]
    rows = json.loads(CliRunner().invoke(cli, [*command, "--json"], catch_exceptions=False).stdout)
    facts = {row["facts"]["name"]: row["facts"] for row in rows}
    assert list(facts) == ["stem", "body", "head", "spare"]
    assert facts["body"] == {
        "name": "body",
        "kind": "Conv3d",
        "kernels": 8,
        "inputs": 4,
        "kernel_size": [3, 3, 3],
        "stride": [1, 1, 1],
        "groups": 2,
        "output": [8, 8, 8, 8],
        "receptive_field": [5, 9, 9],
        "parameters": 440,
        "multiply_adds": 221184,
        "order": 1,
    }
    assert facts["stem"]["receptive_field"] == [3, 5, 5]
    whole = 904 + 440 + 45 + 8
    assert [row["parameter_share"] for row in rows] == [904 / whole, 440 / whole, 45 / whole, 8 / whole]
    work = 460800 + 221184 + 40
    assert [row["multiply_add_share"] for row in rows] == [460800 / work, 221184 / work, 40 / work, None]
    table = CliRunner().invoke(cli, command, catch_exceptions=False).output
    lines = {line.split()[0]: line.split() for line in table.splitlines()[2:]}
    assert lines["body"][:10] == [
        "body", "Conv3d", "3x3x3", "1x1x1", "2", "4>8", "8x8x8x8", "5x9x9", f"{440 / whole:.1%}", f"{221184 / work:.1%}"
    ]  # fmt: skip
    assert lines["head"][6:8] == ["5", "all"]
    assert lines["spare"][6:10] == ["-", "-", f"{8 / whole:.1%}", "-"], "a layer that does not run sees nothing"
