"""Text, and what is written in it by other signs: percent signs, escapes, references, base64."""

from __future__ import annotations

import base64
import html
import re
from collections.abc import Iterator
from urllib.parse import unquote

_ESCAPE = re.compile(r"\\u([0-9A-Fa-f]{4})|\\x([0-9A-Fa-f]{2})|\\u\{([0-9A-Fa-f]{1,6})\}|\\([/\\\"'])")
_ENCODED = re.compile(r"%[0-9A-Fa-f]{2}")
_BASE64 = re.compile(r"[A-Za-z0-9+/_-]{10,}={0,2}")
_CERTAIN = 200
"""Signs from which a run is taken for base64 alone: shorter ones may be names and paths, and are looked through too."""

_FILE = 32
"""Signs that a packed file has at least."""

_DIGEST = re.compile(r"[0-9a-f]+")
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
    yield text
    for _ in range(_ROUNDS):
        read = _read(text)
        if read == text:
            return
        yield read
        text = read


def _read(text: str) -> str:
    if "&" in text:
        text = html.unescape(text)
    if _ENCODED.search(text):
        text = unquote(text, errors="replace")
    return _ESCAPE.sub(_sign, text) if "\\" in text else text


def _sign(match: re.Match[str]) -> str:
    digits = match[1] or match[2] or match[3]
    if not digits:
        return match[4]
    point = int(digits, 16)
    return chr(point) if point <= _LARGEST_POINT and not 0xD800 <= point < 0xE000 else match[0]


def unpacked_base64(text: str, *, short: bool) -> tuple[str, list[bytes]]:
    """Return a text without its longest runs of base64, and what its runs hold: with `short` the shorter ones too."""
    found: list[bytes] = []
    runs: set[str] = set()

    def take(match: re.Match[str]) -> str:
        if len(match[0]) < _CERTAIN:
            runs.add(match[0])
            return match[0]
        found.append(_decoded(match[0]))
        return " "

    left = _BASE64.sub(take, text)
    if not short:
        return left, found
    # A short run may be a word of the text, and base64 may begin behind its first signs.
    parts = (_decoded(run[start:]) for run in sorted(runs) for start in range(4))
    found.append(b"\n".join(part for part in parts if part.isascii() or _is_text(part)))
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
