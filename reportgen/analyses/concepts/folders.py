"""NAME=DIR: how a concept is named on the command line and in a file; needs no torch."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

from reportgen.records.identities import slug

_LONGEST_NAME = 80


class ConceptFolder(NamedTuple):
    """A concept's name, and the folder of its pictures and clips (or the one file)."""

    name: str
    path: Path


def parse_concept(text: str) -> ConceptFolder:
    """Read NAME=DIR; the first equals sign ends the name. Raises ValueError."""
    name, mark, folder = text.partition("=")
    name, folder = name.strip(), folder.strip()
    if not mark or not name or not folder:
        raise ValueError(f"{text!r} is not NAME=DIR, such as wheels=pictures/wheels")
    if not any(sign.isascii() and sign.isalnum() for sign in name) or not name.isprintable():
        raise ValueError(f"the name {name!r} needs a letter or digit of ASCII, and printable signs alone")
    if len(name) > _LONGEST_NAME:
        raise ValueError(f"the name {name[:20]!r}... has {len(name)} signs: choose one of at most {_LONGEST_NAME}")
    return ConceptFolder(name, Path(folder))


def check_folders(given: tuple[str, ...]) -> tuple[str, ...]:
    """Return the concepts as they are; raises ValueError for one that is not NAME=DIR, or two of one name."""
    taken: dict[str, str] = {}
    for concept in map(parse_concept, given):
        other = taken.setdefault(slug(concept.name).casefold(), concept.name)
        if other != concept.name:
            raise ValueError(f"{other!r} and {concept.name!r} would share the address {slug(concept.name)}")
    names = [parse_concept(text).name for text in given]
    if twice := next((name for name in names if names.count(name) > 1), None):
        raise ValueError(f"{twice!r} is there twice: put its pictures into one folder, or tell the names apart")
    return given


def concept_folders(given: Iterable[str]) -> list[ConceptFolder]:
    """Return the concepts of some NAME=DIR, in their order."""
    return [parse_concept(text) for text in given]
