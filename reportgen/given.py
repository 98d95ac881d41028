"""What callers of the Python functions may give in several forms: a path as text, one in place of several."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path
from typing import TypeVar

from reportgen.errors import OptionError, a_type

Expected = TypeVar("Expected")


def given_as(value: object, kind: type[Expected], what: str) -> Expected:
    """Return a value of this type; raises OptionError, which begins with `what`, for any other."""
    if not isinstance(value, kind):
        raise OptionError(f"{what} is given by a {kind.__name__}, and not by {a_type(value)}.")
    return value


def given_path(path: str | os.PathLike[str]) -> Path:
    """Return a path that is text or a path; raises OptionError for anything else."""
    if not isinstance(path, str | os.PathLike):
        raise OptionError(f"A file or folder is named by text or a path, and not by {a_type(path)}.")
    return Path(path)


def given_paths(paths: str | os.PathLike[str] | Iterable[str | os.PathLike[str]]) -> list[Path]:
    """Return one path or several as a list; a text is one path and not its letters. Raises OptionError for others."""
    return [given_path(one) for one in paths] if _several(paths) else [given_path(paths)]  # type: ignore[arg-type,union-attr]


def some_paths(paths: str | os.PathLike[str] | Iterable[str | os.PathLike[str]], what: str) -> list[Path]:
    """Return one path or several as a list; raises OptionError for none, which says of `what`."""
    found = given_paths(paths)
    if not found:
        raise OptionError(f"There is no folder in the list: name one or more of {what}.")
    return found


def _several(given: object) -> bool:
    return isinstance(given, Iterable) and not isinstance(given, str | os.PathLike)


def given_words(words: str | Iterable[str]) -> tuple[str, ...]:
    """Return one word or several as a tuple; a text is one word and not its letters."""
    return (words,) if isinstance(words, str) else tuple(words)
