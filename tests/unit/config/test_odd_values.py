"""Values that a parser or a 32-bit float gives up at: one sentence each."""

from __future__ import annotations

from pathlib import Path

import pytest

from reportgen.cli.flags import json_object
from reportgen.config.reading import load_options
from reportgen.errors import CardError, OptionError
from reportgen.records.owned import STAMP, OwnedFolder
from reportgen.zoo.cards import read_card

DEEP = "[" * 100_000


def test_lists_in_lists_without_end_are_told(tmp_path: Path) -> None:
    for name in ("a.toml", "card.toml"):
        (tmp_path / name).write_text(f"a = {DEEP}")
    (tmp_path / STAMP).write_text(DEEP)
    with pytest.raises(OptionError, match=r"a\.toml is not valid TOML: it holds lists in lists without end"):
        load_options({}, config=tmp_path / "a.toml")
    with pytest.raises(CardError, match=r"card\.toml is not valid TOML: it holds lists in lists without end"):
        read_card(tmp_path)
    for text in (DEEP, '{"a":' * 100_000):
        with pytest.raises(OptionError, match="--clip-spec holds lists in lists without end: write an object such as"):
            json_object("clip_spec", text)
    assert OwnedFolder(tmp_path).files == {}


def test_a_mark_at_the_beginning_of_a_file_is_no_part_of_it(tmp_path: Path) -> None:
    (tmp_path / "a.toml").write_text("\ufeffseed = 3\n", encoding="utf-8")
    assert load_options({}, config=tmp_path / "a.toml").seed == 3


def test_of_very_many_bad_values_the_first_are_told(tmp_path: Path) -> None:
    (tmp_path / "a.toml").write_text("\n".join(f"unknown{number} = 1" for number in range(300)))
    with pytest.raises(OptionError, match=r"'unknown0'.* And 280 more\.$") as told:
        load_options({}, config=tmp_path / "a.toml")
    assert "unknown20" not in str(told.value)
