"""Numbers for the names of clips that were read from files: a file's name may tell whose it is."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from reportgen.records.jobs import Done, Record
from reportgen.records.manifest import ClipFacts, Run

GENERATED = "generated"

_LISTS = frozenset({"names", "sample", "clips"})
_SINGLE = "clip"
_REFERENCE = re.compile(r"r(\d{5})-.*", re.DOTALL)
_CONCEPT = re.compile(r"(c-.+?)-(\d{5})-.*", re.DOTALL)


class ClipNames:
    """The new name of each clip of a run that was read from a file. Generated clips keep theirs."""

    def __init__(self, run: Run, records: Iterable[Record]) -> None:
        generated = {clip.name for clip in run.clips if clip.source == GENERATED}
        read = [clip.name for clip in run.clips if clip.source != GENERATED]
        # Most reference clips have no picture, and so are no clips of the header.
        stored = [name for name in _named(records) if _REFERENCE.fullmatch(name) or _CONCEPT.fullmatch(name)]
        self._new: dict[str, str] = {}
        for old in dict.fromkeys((*read, *stored)):
            if old not in generated:
                self._new[old] = self._numbered(old)

    def _numbered(self, old: str) -> str:
        if found := _REFERENCE.fullmatch(old):
            return f"r{found[1]}"
        if found := _CONCEPT.fullmatch(old):
            return f"{found[1]}-{found[2]}"
        return f"clip-{1 + sum(new.startswith('clip-') for new in self._new.values())}"

    @property
    def old(self) -> tuple[str, ...]:
        """The names that must no longer be there."""
        return tuple(self._new)

    def new(self, name: str) -> str:
        """Return a clip's new name; that of a generated clip, and what is no clip's name, as it is."""
        return self._new.get(name, name)

    def unit(self, unit: str) -> str:
        """Return what a job is about under the new names: a clip is one part of it between slashes.

        A kernel's ends in its number, and may be of a layer that is called like a clip.
        """
        network, *parts = unit.split("/")
        return unit if unit.rpartition("/")[2].isdigit() else "/".join((network, *map(self.new, parts)))

    def facts(self, clip: ClipFacts) -> ClipFacts:
        """Return what is known of a clip without its file's name; its pictures have the old paths still."""
        if clip.name not in self._new:
            return clip
        name = self._new[clip.name]
        return clip.model_copy(update={"name": name, "title": _title(name), "source": "file"})

    def value(self, value: Any, key: str = "") -> Any:
        """Return a document's value under the new names, which stand where a field tells a clip and nowhere else."""
        if isinstance(value, Mapping):
            return {name: self.value(one, name) for name, one in value.items()}
        if isinstance(value, list | tuple):
            return [self.new(one) if key in _LISTS and isinstance(one, str) else self.value(one) for one in value]
        return self.new(value) if key == _SINGLE and isinstance(value, str) else value


def _title(name: str) -> str:
    """Return the title of a clip of a new name."""
    stem, _, number = name.rpartition("-")
    if not stem:
        return f"Reference clip {int(name[1:])}"
    return f"Clip {int(number)}" if stem == "clip" else f"Clip {int(number)} of {stem.removeprefix('c-')}"


def _named(records: Iterable[Record]) -> Iterator[str]:
    """Yield the clips that answers name."""
    for record in records:
        if isinstance(record.outcome, Done):
            yield from _names_in(record.outcome.answer)


def _names_in(value: Any, key: str = "") -> Iterator[str]:
    if isinstance(value, Mapping):
        for name, one in value.items():
            yield from _names_in(one, name)
    elif isinstance(value, list | tuple):
        for one in value:
            if not isinstance(one, str):
                yield from _names_in(one)
            elif key in _LISTS:
                yield one
    elif isinstance(value, str) and key == _SINGLE:
        yield value
