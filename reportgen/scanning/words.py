"""What is looked for: words, in every spelling that a program may have given them."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache, cached_property

from reportgen.resources import templates_folder

_SHORTEST = 4
_FREE = 6
"""Letters from which a word is looked for within others too; `smith` is no part of `blacksmith`."""

_GAP = r"(?:[\W_]{0,3}|\s*(?:</?[a-z][^<>]{0,200}>\s*){1,4}|\s{1,80})"
"""What may part the words of a name: a few signs, a line's end with the indentation of the next, and tags."""

_LETTER = r"[^\W\d_]"
_ACCENTS = re.compile("[\u0300-\u036f]+")
_OWN_FOLDERS = frozenset(
    {"analysis", "assets", "concepts", "css", "data", "js", "media", "records", "report", "vendor"}
)


@cache
def _own_names() -> frozenset[str]:
    """Return the names that reportgen itself gives folders and files: none tells of a user or remote called so."""
    given = (name for path in templates_folder().rglob("*") for name in (path.name, path.name.partition(".")[0]))
    return _OWN_FOLDERS.union(map(bare_letters, given))


_BEFORE, _AFTER = 400, 8
"""Signs around a word from which it is told whether it is part of a path."""

_PATH_ENDS, _WORD_ENDS = r"[/\\]", r"(?![\w-])"
_ABSOLUTE = r"(?<![\w./\\-])(?:[a-z]:|file:/{0,2}|~)?[/\\]{1,2}(?:[^\s/\\\"'<>()]+[/\\]{1,2})*$"
_CONTEXTS = tuple(
    (re.compile(before), re.compile(after))
    for before, after in (
        (_ABSOLUTE, _PATH_ENDS),
        (r"[/\\](?:home|users)[/\\]{1,2}$", _WORD_ENDS),
        (r"(?<![\w.-])~$", _WORD_ENDS),
        (r"(?<![\w.-])$", r"@[a-z0-9]"),
        (r"[a-z0-9]@$", _WORD_ENDS),
        (r"\w://$", r"[:/]"),
        (r"\d:\d\d(?::\d\d)?(?:\.\d+)? ?$", r"(?!\w)"),
    )
)
"""What stands before and behind a word that is a folder of an absolute path, a home folder, a user at a host, a host in
an address, or the zone of a time."""

_RELATIVE = (re.compile(r"[/\\]$"), re.compile(_PATH_ENDS))


@dataclass(frozen=True)
class ForbiddenWord:
    """A word that must not be in a report: `what` it tells, as part of a sentence.

    A word of fewer than four letters, and a `common` one (the user root), is looked for in paths and metadata alone.
    """

    text: str
    what: str
    common: bool = False

    @cached_property
    def tokens(self) -> tuple[str, ...]:
        """Its letters and digits, without case and accents, parted where anything else stands."""
        return tuple(re.findall(r"[^\W_]+", bare_letters(self.text)))

    @property
    def narrow(self) -> bool:
        """Whether it is looked for in paths and metadata alone."""
        return self.common or len("".join(self.tokens)) < _SHORTEST

    @property
    def free(self) -> bool:
        """Whether it may be a part of a longer word."""
        return not self.narrow and len("".join(self.tokens)) >= _FREE

    @cached_property
    def pattern(self) -> re.Pattern[str]:
        """The word as it stands in a text without case and accents; a short one is no part of a longer word."""
        letters = _GAP.join(map(re.escape, self.tokens))
        if self.narrow:
            return re.compile(rf"(?<![^\W_]){letters}(?![^\W_])")
        return re.compile(letters if self.free else rf"(?<!{_LETTER}){letters}(?!{_LETTER})")

    @cached_property
    def encoded(self) -> tuple[bytes, ...]:
        """A word that is not ASCII as UTF-8 and UTF-16, in the usual cases."""
        if self.text.isascii():
            return ()
        cases = {self.text, self.text.lower(), self.text.upper(), self.text.title()}
        forms = {unicodedata.normalize(form, text) for text in cases for form in ("NFC", "NFD")}
        return tuple(text.encode(code) for text in forms for code in ("utf-8", "utf-16-le", "utf-16-be"))

    def found_in(self, text: str) -> Iterator[re.Match[str]]:
        """Yield where it stands in a text that is `bare_letters`."""
        if self.tokens[0] in text:  # which is told a hundred times faster
            yield from self.pattern.finditer(text)


@dataclass(frozen=True)
class FoundWord:
    """A word that stands in a text, as it stands there."""

    word: ForbiddenWord
    text: str


def bare_letters(text: str) -> str:
    """Return text without case and accents, in the form that words are compared in."""
    return text.lower() if text.isascii() else _ACCENTS.sub("", unicodedata.normalize("NFKD", text)).casefold()


class ForbiddenWords:
    """Words to look for. Those without a letter or digit are none."""

    def __init__(self, words: Iterable[ForbiddenWord]) -> None:
        found: dict[tuple[str, ...], ForbiddenWord] = {}
        for word in words:
            if word.tokens:
                found.setdefault(word.tokens, word)
        self.all = tuple(found.values())

    def __bool__(self) -> bool:
        return bool(self.all)

    @cached_property
    def _wide(self) -> Sequence[ForbiddenWord]:
        return [word for word in self.all if not word.narrow]

    @cached_property
    def _narrow(self) -> Sequence[ForbiddenWord]:
        return [word for word in self.all if word.narrow]

    def in_text(self, text: str) -> Iterator[FoundWord]:
        """Yield the words in a text that a person may read: narrow ones as parts of paths and addresses alone."""
        spelled = bare_letters(text)
        yield from _search(self._wide, spelled)
        for word in self._narrow:
            yield from (FoundWord(word, match[0]) for match in word.found_in(spelled) if _is_in_path(word, match))

    def in_metadata(self, text: str) -> Iterator[FoundWord]:
        """Yield the words in a text that describes a file: narrow ones too, where they stand alone."""
        yield from _search(self.all, bare_letters(text))

    def in_name(self, path: str) -> Iterator[FoundWord]:
        """Yield the words in the path of a file of the report: narrow ones as a whole part of it."""
        spelled = bare_letters(path)
        yield from _search(self._wide, spelled)
        parts = {stem for part in spelled.split("/") for stem in (part, part.rpartition(".")[0])}
        for word in self._narrow:
            if not parts.isdisjoint({bare_letters(word.text), "-".join(word.tokens)} - _own_names()):
                yield FoundWord(word, path)

    def in_bytes(self, content: bytes) -> Iterator[FoundWord]:
        """Yield the words in bytes that are no text: long ones, whose letters stand there by no chance."""
        signs = bare_letters(content.replace(b"\0", b"").decode("latin-1"))
        yield from _search([word for word in self._wide if word.free], signs)
        for word in self._wide:
            if any(needle in content for needle in word.encoded):
                yield FoundWord(word, word.text)


def _search(words: Iterable[ForbiddenWord], text: str) -> Iterator[FoundWord]:
    for word in words:
        yield from (FoundWord(word, match[0]) for match in word.found_in(text))


def _is_in_path(word: ForbiddenWord, match: re.Match[str]) -> bool:
    """Whether a narrow word stands in a path or an address.

    A common word is told in an absolute path only: `assets/data/x.js` tells nothing of a user called data.
    """
    text, start, end = match.string, match.start(), match.end()
    before, after = text[max(0, start - _BEFORE) : start], text[end : end + _AFTER]
    relative = not word.common and match[0] not in _OWN_FOLDERS
    contexts = (*_CONTEXTS, _RELATIVE) if relative else _CONTEXTS
    return any(head.search(before) and tail.match(after) for head, tail in contexts)
