"""PDF files, taken apart: their streams unpacked, their strings read, the text of their pages put together."""

from __future__ import annotations

import base64
import re
from collections.abc import Iterator, Mapping
from contextlib import suppress

from reportgen.scanning.parts import FilePart, PartKind, UnreadablePartError, inflated

_STREAM = re.compile(rb"stream\r?\n(.*?)\r?\n?endstream", re.DOTALL)
_HEX = re.compile(rb"<([0-9A-Fa-f\s]{4,})>")
_DIGITS = re.compile(rb"[0-9A-Fa-f\s]+")
_LITERAL = re.compile(rb"\(((?:[^()\\]|\\.|\((?:[^()\\]|\\.)*\))*)\)", re.DOTALL)
_OCTAL = re.compile(rb"\\([0-7]{1,3})|\\(.)", re.DOTALL)
_SHOWN = re.compile(rb"\[((?:[^\[\]\\]|\\.)*)\]\s*TJ|(<[0-9A-Fa-f\s]+>)\s*Tj", re.DOTALL)
_CHARACTER = re.compile(rb"<([0-9A-Fa-f]+)>\s*<([0-9A-Fa-f]+)>\s*(?=[<\r\n\s]|endbf)")
_RANGE = re.compile(rb"<([0-9A-Fa-f]+)>\s*<([0-9A-Fa-f]+)>\s*<([0-9A-Fa-f]+)>")
_SECTION = re.compile(rb"beginbf(char|range)(.*?)endbf", re.DOTALL)
_ESCAPES: Mapping[bytes, bytes] = {b"n": b"\n", b"r": b"\r", b"t": b"\t", b"\n": b"", b"\r": b""}
_MOST_CODES = 1 << 16
_CLOSED = re.compile(rb"/(?:Encrypt|LZWDecode|RunLengthDecode)\b")


def pdf_pieces(content: bytes) -> Iterator[FilePart]:
    """Yield the streams of a PDF, its strings, and the text that its pages show by their fonts' tables.

    Streams are unpacked that are packed by zlib, which those of metadata, objects and pages are, or written in ASCII.
    Raises UnreadablePartError for a PDF that is encrypted, or packed in another way.
    """
    outside = _STREAM.sub(b"", content)
    if closed := _CLOSED.search(outside):
        raise UnreadablePartError(f"it is a PDF with {closed[0].decode()}, which is not unpacked here")
    streams = [(number, _unpacked(raw[1])) for number, raw in enumerate(_STREAM.finditer(content), start=1)]
    yield FilePart("its strings", _strings(outside), "metadata")
    for number, stream in streams:
        yield FilePart(f"its stream {number}", stream)
        kind: PartKind = "metadata" if b"<<" in stream else "content"
        yield FilePart(f"the strings of its stream {number}", _strings(stream), kind)
    fonts = [table for _, stream in streams if (table := _table(stream))]
    for number, stream in streams:
        if b"BT" in stream:
            text = "\n".join((*(_shown(stream, table) for table in fonts), _spelled(stream)))
            yield FilePart(f"the text of its stream {number}", text.encode())


def _unpacked(stream: bytes) -> bytes:
    """Return a stream without what it is written in and packed by, as it is where it is neither."""
    plain = stream.strip()
    if plain.endswith(b"~>"):
        with suppress(ValueError):
            stream = base64.a85decode(plain.removeprefix(b"<~").removesuffix(b"~>"))
    elif plain.endswith(b">") and _DIGITS.fullmatch(plain[:-1]):
        stream = _from_hex(plain[:-1])
    return inflated(stream) or stream


def _strings(content: bytes) -> bytes:
    """Return the strings among a PDF's objects, a line each, as UTF-8."""
    found = [_text(_unescaped(match[1])) for match in _LITERAL.finditer(content)]
    found += [_text(_from_hex(match[1])) for match in _HEX.finditer(content)]
    return "\n".join(found).encode()


def _text(raw: bytes) -> str:
    if raw.startswith(b"\xfe\xff"):
        return raw[2:].decode("utf-16-be", "replace")
    if raw.startswith(b"\xff\xfe"):
        return raw[2:].decode("utf-16-le", "replace")
    return raw.decode("latin-1")


def _unescaped(raw: bytes) -> bytes:
    def sign(match: re.Match[bytes]) -> bytes:
        if match[1]:
            return bytes([int(match[1], 8) & 255])
        return _ESCAPES.get(match[2], match[2])

    return _OCTAL.sub(sign, raw)


def _from_hex(digits: bytes) -> bytes:
    plain = b"".join(digits.split())
    return bytes.fromhex((plain + b"0" * (len(plain) % 2)).decode())


def _table(stream: bytes) -> dict[int, str]:
    """Return which text each code of a font stands for; empty where a stream is no such table."""
    found: dict[int, str] = {}
    for kind, body in _SECTION.findall(stream):
        if kind == b"char":
            for code, text in _CHARACTER.findall(body):
                found[int(code, 16)] = _from_hex(text).decode("utf-16-be", "replace")
            continue
        for first, last, text in _RANGE.findall(body):
            start, end, point = int(first, 16), int(last, 16), int(text, 16)
            if end - start < _MOST_CODES and point <= 0xFFFF:
                found |= {code: chr(min(point + code - start, 0x10FFFF)) for code in range(start, end + 1)}
    return found


def _shown(stream: bytes, table: Mapping[int, str]) -> str:
    """Return the text that a page shows, if its strings are of this font; codes have two bytes."""
    lines = []
    for match in _SHOWN.finditer(stream):
        raw = b"".join(_from_hex(part) for part in _HEX.findall(match[1] or match[2]))
        codes = (int.from_bytes(raw[at : at + 2], "big") for at in range(0, len(raw) - 1, 2))
        lines.append("".join(table.get(code, "") for code in codes))
    return "\n".join(lines)


def _spelled(stream: bytes) -> str:
    """Return the text that a page shows in letters of its own: kerning parts a word into several strings."""
    lines = (_LITERAL.findall(shown) for shown, _ in _SHOWN.findall(stream))
    return "\n".join("".join(_text(_unescaped(part)) for part in parts) for parts in lines)
