"""What callers of the Python functions may give in several forms: a path as text, one in place of several."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path


def given_paths(paths: str | Path | Iterable[str | Path]) -> list[Path]:
    """Return one path or several as a list; a text is one path and not its letters."""
    return [Path(paths)] if isinstance(paths, str | os.PathLike) else [Path(one) for one in paths]


def given_words(words: str | Iterable[str]) -> tuple[str, ...]:
    """Return one word or several as a tuple; a text is one word and not its letters."""
    return (words,) if isinstance(words, str) else tuple(words)
