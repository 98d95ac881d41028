"""Text, and what is written in it by other signs: percent signs, escapes, references, TeX, base64, digits."""

from __future__ import annotations

import base64
import html
import re
from collections.abc import Iterator
from urllib.parse import unquote

_ESCAPE = re.compile(r"\\u([0-9A-Fa-f]{4})|\\x([0-9A-Fa-f]{2})|\\u\{([0-9A-Fa-f]{1,6})\}|\\([/\\\"'])")
_BYTES = re.compile(r"(?:\\x[89A-Fa-f][0-9A-Fa-f]|\\[23][0-7]{2})(?:\\x[89A-Fa-f][0-9A-Fa-f]|\\[0-3][0-7]{2})*")
_BYTE = re.compile(r"\\x([0-9A-Fa-f]{2})|\\([0-3][0-7]{2})")
"""Bytes of UTF-8 as Python, C and Git write them."""

_UNSEEN = re.compile(r"<wbr\s*/?>|\\allowbreak\b\s*(?:\{\})?|[\u00ad\u200b-\u200f\u202a-\u202e\u2060-\u2064\ufeff]")
"""What may stand within a word and is not seen."""

_TEX_ACCENT = re.compile(r"\{?\\(?:[`'^\"~=.]\s*\{?|[uvHcdrk]\s*\{)\\?([A-Za-z])\}{0,2}")
_TEX_LETTER = re.compile(r"\{?\\(ss|ae|AE|oe|OE|aa|AA|o|O|l|L|i|j)(?:\{\}|\}| |(?![A-Za-z]))")
_TEX_LETTERS = {
    "aa": "a",
    "AA": "A",
    "ae": "æ",
    "AE": "Æ",
    "oe": "œ",
    "OE": "Œ",
    "o": "ø",
    "O": "Ø",
    "l": "ł",
    "L": "Ł",
}
_TEX_NUMBER = re.compile(r"\\reportchar\{([0-9A-F]{4,6})\}")
_ENCODED = re.compile(r"%[0-9A-Fa-f]{2}")
_BASE64 = re.compile(r"[A-Za-z0-9+/_-]{10,}={0,2}")
_CERTAIN = 200
"""Signs from which a run is taken for base64 alone: shorter ones may be names and paths, and are looked through too."""

_FILE = 32
"""Signs that a packed file has at least."""

_DIGEST = re.compile(r"(?:[0-9A-Fa-f]{2})+")
_ROUNDS = 3
_LARGEST_POINT = 0x10FFFF


def as_text(content: bytes) -> str | None:
    """Return bytes as text: UTF-8, or UTF-16 with its mark; None for what is no text."""
    if content[:2] in (b"\xff\xfe", b"\xfe\xff"):
        try:
            return content.decode("utf-16")
        except UnicodeDecodeError:
            return None
    if b"\0" in content:
        return None
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError:
        return None


def spellings(text: str) -> Iterator[str]:
    """Yield a text, and what is left of it when escapes are read, as often as there are some."""
    for _ in range(_ROUNDS):
        yield text
        if (seen := _without_tex(text)) != text:
            yield seen
        read = _read(text)
        if read == text:
            return
        text = read
    yield text


def _without_tex(text: str) -> str:
    """Return a text without what is not seen in its words, and letters as TeX puts them together."""
    text = _UNSEEN.sub("", text)
    if "\\" not in text:
        return text
    text = _TEX_LETTER.sub(lambda letter: _TEX_LETTERS.get(letter[1], letter[1]), _TEX_ACCENT.sub(r"\1", text))
    return _TEX_NUMBER.sub(lambda found: _point(int(found[1], 16), found[0]), text)


def _read(text: str) -> str:
    if "&" in text:
        text = html.unescape(text)
    if _ENCODED.search(text):
        text = unquote(text, errors="replace")
    return _ESCAPE.sub(_sign, _BYTES.sub(_signs, text)) if "\\" in text else text


def _signs(match: re.Match[str]) -> str:
    """Return bytes that are written one by one as the text that they are, as they stand where they are none."""
    found = bytes(int(byte[1], 16) if byte[1] else int(byte[2], 8) for byte in _BYTE.finditer(match[0]))
    try:
        return found.decode()
    except UnicodeDecodeError:
        return match[0]


def _sign(match: re.Match[str]) -> str:
    digits = match[1] or match[2] or match[3]
    if not digits:
        return match[4]
    return _point(int(digits, 16), match[0])


def _point(point: int, otherwise: str) -> str:
    return chr(point) if point <= _LARGEST_POINT and not 0xD800 <= point < 0xE000 else otherwise


def unpacked_base64(text: str, *, short: bool) -> tuple[str, list[bytes]]:
    """Return a text without its longest runs of base64, and what its runs hold: with `short` the shorter ones too."""
    found: list[bytes] = []
    runs: set[str] = set()

    def take(match: re.Match[str]) -> str:
        if len(match[0]) < _CERTAIN:
            runs.add(match[0])
            return match[0]
        found.append(bytes.fromhex(match[0]) if _DIGEST.fullmatch(match[0]) else _decoded(match[0]))
        return " "

    left = _BASE64.sub(take, text)
    if not short:
        return left, found
    # A short run may be a word of the text, and base64 may begin behind its first signs.
    parts = (_decoded(run[start:]) for run in sorted(runs) for start in range(4))
    found.append(b"\n".join(part for part in parts if part.isascii() or _is_text(part)))
    digits = (run.removeprefix("0x") for run in sorted(runs))
    written = (bytes.fromhex(run) for run in digits if _DIGEST.fullmatch(run))
    found.append(b"\n".join(part for part in written if _is_text(part)))
    found += [_decoded(run) for run in sorted(runs) if len(run) >= _FILE and not _DIGEST.fullmatch(run)]
    return left, found


def _decoded(run: str) -> bytes:
    signs = run.rstrip("=").replace("-", "+").replace("_", "/")
    signs = signs[: len(signs) - (len(signs) % 4 == 1)]
    return base64.b64decode(signs + "=" * (-len(signs) % 4))


def _is_text(content: bytes) -> bool:
    try:
        content.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True
