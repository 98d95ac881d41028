"""How a message names what its reader can set: by flags on the command line, by keyword arguments in Python.

A sentence is made where something is wrong, and read elsewhere: on a terminal, in a notebook, on a page. It therefore
holds a mention of the option (`option`), which becomes words where the sentence leaves the program (`worded`), in the
dialect that its reader speaks.
"""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any

# Signs for private use: none stands in a sentence of ours, and `reportgen.errors.one_line` replaces those of others.
_MENTION = re.compile('(\ue000\\["[a-z -]+", [^\ue000]*?\\]\ue001)')

#: Flags without a value.
_SWITCHES = frozenset({"--untrained", "--latest", "--replace", "--anonymous", "--keep-digest", "--strict", "--push"})

#: Keyword arguments that are named otherwise than their flags, wherever they are taken.
_KEYWORDS = {
    "--model": "models",
    "--name": "names",
    "--clip": "clips",
    "--class": "classes",
    "--concept": "concepts",
    "--target": "targets",
    "--contrast": "contrasts",
    "--as": "name",
}


#: Python calls that are named otherwise than their commands.
_CALLS = {"models": "list_models", "layers": "list_layers"}


@dataclass(frozen=True)
class Dialect:
    """How options are named: by `keywords` for those that are not called like their flags.

    `fields` are the keyword arguments for single fields of an option that is given as a table. `whole` are those whose
    table is one value that the caller has, `elsewhere` those of another call, by its name. In a dialect `of_builds`
    what is kept stands on pages.
    """

    flags: bool = False
    of_builds: bool = False
    keywords: Mapping[str, str] = field(default_factory=dict)
    fields: Mapping[str, str] = field(default_factory=dict)
    whole: frozenset[str] = frozenset()
    elsewhere: Mapping[str, str] = field(default_factory=dict)

    def mention(self, flag: str, value: Any, fields: Sequence[str], form: str) -> str:
        """Return an option in words; `value` is what it is or should be, `form` what stands after a flag."""
        if self.flags:
            return " ".join(part for part in (flag, form, _on_command_line(value)) if part)
        if isinstance(value, list):
            value = tuple(value)
        if own := self._fields_alone(value, fields):
            return _listed(own)
        name = self.keywords.get(flag) or _KEYWORDS.get(flag) or flag.removeprefix("--").replace("-", "_")
        if flag in self.whole:
            return f"`{name}`" + (f" with {_listed(f'{one}={its!r}' for one, its in value.items())}" if value else "")
        told = f"{name}={flag in _SWITCHES if value is None else value!r}"
        if flag in self.elsewhere:
            return f"`{self.elsewhere[flag]}({told if value is not None or flag in _SWITCHES else f'{name}=...'})`"
        return f"`{told}`" if value is not None or flag in _SWITCHES else f"`{name}`"

    def command(self, name: str, arguments: Sequence[str]) -> str:
        """Return a command in words, or the call that does the same."""
        if self.flags:
            return f"`{' '.join((name, *map(_on_command_line, arguments)))}`"
        name = name.removeprefix("reportgen ")
        return f"`reportgen.{_CALLS.get(name, name)}({', '.join(map(repr, arguments))})`"

    def _fields_alone(self, value: Any, fields: Sequence[str]) -> list[str]:
        """Return the keyword arguments for the fields that are meant, where there is one for each."""
        meant = dict.fromkeys(value if isinstance(value, dict) else fields)
        if not meant or not meant.keys() <= self.fields.keys():
            return []
        named = [
            f"`{self.fields[one]}={value[one]!r}`" if isinstance(value, dict) else f"`{self.fields[one]}`"
            for one in meant
        ]
        return list(dict.fromkeys(named))


def _listed(words: Iterable[str]) -> str:
    *some, last = words
    return f"{', '.join(some)} and {last}" if some else last


def _on_command_line(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, dict):
        return f"'{json.dumps(value)}'"
    text = ":".join(map(str, value)) if isinstance(value, list) else str(value)
    return shlex.quote(text) if text.isprintable() else repr(text)


_OF_A_NETWORK = ("--weights", "--weights-key", "--untrained", "--model-args", "--labels", "--device", "--adapter")
_OF_A_BUILD = ("--clip", "--reference", "--concept", "--target", "--contrast", "--class", "--kernels", "--objective")
_SPEC = "--clip-spec"
_BUILDS = dict.fromkeys(_OF_A_BUILD, "BuildOptions")
_LOADS = dict.fromkeys((*_OF_A_NETWORK, _SPEC), "load_network")

COMMAND_LINE = Dialect(flags=True)
CALLS = Dialect(keywords={_SPEC: "clip"}, elsewhere=_BUILDS | _LOADS)
LOADING = Dialect(keywords={_SPEC: "clip", "--model": "model"}, elsewhere=_BUILDS)
READING = Dialect(keywords={_SPEC: "spec"}, fields={"frame_step": "frame_step"}, whole=frozenset({_SPEC}))
BUILD_OPTIONS = Dialect(of_builds=True)
LIVE_MODULE = Dialect(
    fields={name: name for name in ("frames", "mean", "std")} | dict.fromkeys(("height", "width"), "size")
)

SPOKEN: ContextVar[Dialect] = ContextVar("spoken", default=CALLS)
"""What the reader speaks of whatever is said now: `reportgen.errors.speaking` sets it."""


def option(flag: str, value: Any = None, *, fields: Sequence[str] = (), form: str = "") -> str:
    """Return the mention of an option for a message, named by its flag.

    `value` is what it was given or should be. `fields` are those that are meant of an option that is a table. `form`
    stands after the flag on the command line alone, as FILE does.
    """
    return f"\ue000{json.dumps([flag, value, list(fields), form])}\ue001"


def command(name: str, *arguments: str) -> str:
    """Return the mention of a command, which is a call in Python."""
    return f"\ue000{json.dumps([f'reportgen {name}', list(arguments)])}\ue001"


def worded(text: str, dialect: Dialect | None = None) -> str:
    """Return a message with its mentions in words: in this dialect, or in the one that is spoken."""
    speaks = dialect or SPOKEN.get()
    return "".join(_in_words(part, speaks) if mention else part for part, mention in in_pieces(text))


def kept(note: str) -> str:
    """Return what is kept of a network in words: those of its pages, the same whoever builds them, or its caller's."""
    return worded(note, COMMAND_LINE if SPOKEN.get().of_builds else None)


def in_pieces(text: str) -> Iterator[tuple[str, bool]]:
    """Yield the parts of a message, and of each whether it is the mention of an option."""
    for number, part in enumerate(_MENTION.split(text)):
        if part:
            yield part, number % 2 == 1


def _in_words(mention: str, dialect: Dialect) -> str:
    try:
        name, *told = json.loads(mention[1:-1])
        return dialect.mention(name, *told) if name.startswith("--") else dialect.command(name, *told)
    except (ValueError, TypeError):  # none of ours: it came with a name
        return "\N{REPLACEMENT CHARACTER}"
