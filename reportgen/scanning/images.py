"""Pictures and videos, taken apart into pixels and everything else."""

from __future__ import annotations

import struct
from collections.abc import Iterator

from reportgen.scanning.parts import FilePart, inflated

PNG = b"\x89PNG\r\n\x1a\n"
_PNG_PIXELS = frozenset({b"IHDR", b"PLTE", b"IDAT", b"IEND", b"tRNS", b"fdAT", b"fcTL", b"acTL"})
_WEBP_PIXELS = frozenset({b"VP8 ", b"VP8L", b"VP8X", b"ALPH", b"ANIM"})
_MEDIA_BOX = b"mdat"
_EMBEDDED = (b"Exif\0\0", b"II*\0", b"MM\0*", b"<x:xmpmeta", b"<?xpacket", b"<rdf:RDF")
"""How metadata begins among a picture's pixels."""

_LONGEST_EMBEDDED = 1 << 16
_START_OF_SCAN, _COMMENT = 0xDA, 0xFE


def png_pieces(content: bytes) -> Iterator[FilePart]:
    """Yield the chunks of a PNG, unpacked, and what follows the last one."""
    at = len(PNG)
    while at + 8 <= len(content):
        (length,) = struct.unpack_from(">I", content, at)
        name, body = content[at + 4 : at + 8], content[at + 8 : at + 8 + length]
        at += 12 + length
        where = f"its chunk {name.decode('latin-1')}"
        if name in _PNG_PIXELS:
            yield FilePart(where, body, "pixels")
        elif name in (b"zTXt", b"iCCP"):
            key, _, packed = body.partition(b"\0")
            yield FilePart(where, key + b"\n" + inflated(packed[1:]), "metadata")
        elif name == b"iTXt":
            yield FilePart(where, _international(body), "metadata")
        else:
            yield FilePart(where, body, "metadata")
        if name == b"IEND":
            break
    yield FilePart("what follows its end", content[at:], "metadata")


def _international(body: bytes) -> bytes:
    key, _, rest = body.partition(b"\0")
    flag, (language, _, rest) = rest[:1], rest[2:].partition(b"\0")
    translated, _, text = rest.partition(b"\0")
    return b"\n".join((key, language, translated, inflated(text) if flag == b"\1" else text))


def gif_pieces(content: bytes) -> Iterator[FilePart]:
    """Yield comments, text and applications' data of a GIF, its pixels, and what follows its end."""
    at = 13 + _colours(content[10]) if len(content) > 12 else len(content)
    while at < len(content):
        kind, at = content[at], at + 1
        if kind == 0x21 and at < len(content):
            label = content[at]
            body, at = _sub_blocks(content, at + 1)
            yield FilePart(f"its extension {label:#04x}", body, "content" if label == 0xF9 else "metadata")
        elif kind == 0x2C and at + 9 < len(content):
            body, at = _sub_blocks(content, at + 9 + _colours(content[at + 8]) + 1)
            yield FilePart("its pixels", body, "pixels")
        else:
            break
    yield FilePart("what follows its end", content[at:], "metadata")


def _colours(flags: int) -> int:
    return 3 << (1 + (flags & 7)) if flags & 0x80 else 0


def _sub_blocks(content: bytes, at: int) -> tuple[bytes, int]:
    parts = []
    while at < len(content) and (length := content[at]):
        parts.append(content[at + 1 : at + 1 + length])
        at += 1 + length
    return b"".join(parts), at + 1


def riff_pieces(content: bytes) -> Iterator[FilePart]:
    """Yield the chunks of a RIFF file, such as a WebP, and what follows its end."""
    end = min(8 + int.from_bytes(content[4:8], "little"), len(content))
    yield from _riff_chunks(content, 12, end)
    yield FilePart("what follows its end", content[end:], "metadata")


def _riff_chunks(content: bytes, at: int, end: int) -> Iterator[FilePart]:
    while at + 8 <= end:
        name, length = content[at : at + 4], int.from_bytes(content[at + 4 : at + 8], "little")
        body = content[at + 8 : min(at + 8 + length, end)]
        where = f"its chunk {name.decode('latin-1').strip()}"
        if name == b"ANMF":
            yield from _riff_chunks(body, 16, len(body))
        elif name == b"LIST":
            yield from _riff_chunks(body, 4, len(body))
        else:
            yield FilePart(where, body, "pixels" if name in _WEBP_PIXELS else "metadata")
        at += 8 + length + length % 2


def jpeg_pieces(content: bytes) -> Iterator[FilePart]:
    """Yield the segments of a JPEG: metadata and comments, and what comes from the first scan on."""
    at = 2
    while at + 4 <= len(content) and content[at] == 0xFF and content[at + 1] != _START_OF_SCAN:
        marker, length = content[at + 1], int.from_bytes(content[at + 2 : at + 4], "big")
        told = 0xE0 <= marker <= 0xEF or marker == _COMMENT
        yield FilePart(
            f"its segment {marker:#04x}", content[at + 4 : at + 2 + length], "metadata" if told else "pixels"
        )
        at += 2 + max(length, 2)
    pixels, _, rest = content[at:].partition(b"\xff\xd9")
    yield FilePart("its pixels", pixels, "pixels")
    yield FilePart("what follows its end", rest, "metadata")


def box_pieces(content: bytes) -> Iterator[FilePart]:
    """Yield the boxes of an AVIF, an MP4 or another ISO file: all but its media, and metadata among these."""
    at = 0
    while at + 8 <= len(content):
        length, head = int.from_bytes(content[at : at + 4], "big"), 8
        name = content[at + 4 : at + 8]
        if length == 1:
            length, head = int.from_bytes(content[at + 8 : at + 16], "big"), 16
        end = len(content) if length < head else at + length
        body = content[at + head : end]
        if name == _MEDIA_BOX:
            yield FilePart("its media", body, "pixels")
            yield from _embedded(body)
        else:
            yield FilePart(f"its box {name.decode('latin-1')}", body, "metadata")
        at = end
    yield FilePart("what follows its end", content[at:], "metadata")


def _embedded(media: bytes) -> Iterator[FilePart]:
    """Yield metadata among pixels, which AVIF keeps in one box with them."""
    for mark in _EMBEDDED:
        at = media.find(mark)
        while at >= 0:
            yield FilePart("metadata in its media", media[at : at + _LONGEST_EMBEDDED], "metadata")
            at = media.find(mark, at + _LONGEST_EMBEDDED)
