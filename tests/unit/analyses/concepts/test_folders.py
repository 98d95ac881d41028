"""NAME=DIR is read as it is meant, or refused in a sentence that says what it should be."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from reportgen.analyses.concepts.folders import check_folders, parse_concept
from reportgen.config.options import BuildOptions
from reportgen.config.reading import load_options
from reportgen.errors import OptionError


@pytest.mark.parametrize(
    ("text", "name", "folder"),
    [
        ("wheels=pictures/wheels", "wheels", "pictures/wheels"),
        (" two words = a folder ", "two words", "a folder"),
        ("x=a=b/c::img_*.jpg", "x", "a=b/c::img_*.jpg"),
        ("<b>&{{7}}|*=.", "<b>&{{7}}|*", "."),
    ],
)
def test_the_first_equals_sign_ends_the_name(text: str, name: str, folder: str) -> None:
    assert parse_concept(text) == (name, Path(folder))


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (("wheels",), "is not NAME=DIR, such as wheels=pictures/wheels"),
        (("=dir",), "is not NAME=DIR"),
        (("wheels=",), "is not NAME=DIR"),
        (("***=dir",), "needs a letter or digit of ASCII"),
        (("a\nb=dir",), "needs a letter or digit of ASCII, and printable signs alone"),
        (("a" * 81 + "=dir",), "has 81 signs: choose one of at most 80"),
        (("wheels=a", "wheels=b"), "'wheels' is there twice"),
        (("Big wheels=a", "big-wheels=b"), "would share the address big-wheels"),
    ],
)
def test_what_is_no_concept_is_refused(given: tuple[str, ...], said: str) -> None:
    with pytest.raises(ValueError, match=re.escape(said)):
        check_folders(given)


def read(folder: Path, text: str, **flags: object) -> BuildOptions:
    (folder / "own.toml").write_text(text, encoding="utf-8")
    return load_options(flags, config=folder / "own.toml")


def test_a_file_names_concepts_in_a_list_or_in_the_table_of_the_method(tmp_path: Path) -> None:
    wanted = [("wheels", Path("w")), ("hands", Path("h"))]
    for text in ('concepts = ["wheels=w", "hands=h"]\n', '[concepts]\nfolders = ["wheels=w", "hands=h"]\n'):
        assert read(tmp_path, text).concept_folders() == wanted
        assert read(tmp_path, text, concepts=("feet=f",)).concept_folders() == [("feet", Path("f"))]


@pytest.mark.parametrize("text", ['concepts = ["wheels"]\n', '[concepts]\nfolders = ["wheels"]\n'])
def test_a_file_that_names_none_is_refused_before_any_work(tmp_path: Path, text: str) -> None:
    with pytest.raises(OptionError, match="'wheels' is not NAME=DIR"):
        read(tmp_path, text)
