"""Pictures without metadata. Those that reportgen encodes have none; files of other packages' methods may."""

from __future__ import annotations

import re
import struct
from collections.abc import Iterator

_PNG = b"\x89PNG\r\n\x1a\n"
_PNG_SHOWN = frozenset(
    {b"IHDR", b"PLTE", b"IDAT", b"IEND", b"tRNS", b"gAMA", b"cHRM", b"sRGB", b"sBIT", b"bKGD", b"pHYs"}
    | {b"acTL", b"fcTL", b"fdAT"}
)
_WEBP_METADATA = frozenset({b"EXIF", b"XMP ", b"ICCP"})
_METADATA_FLAGS = 0x20 | 0x08 | 0x04
"""Of a WebP's header: colour profile, EXIF, XMP."""

_AVIF_ITEMS = re.compile(rb"infe.{8}(?:Exif|mime|uri )", re.DOTALL)


def has_hidden_items(content: bytes) -> bool:
    """Whether an AVIF holds EXIF, XMP or other items beside its picture."""
    return content[4:8] == b"ftyp" and _AVIF_ITEMS.search(content) is not None


def without_metadata(content: bytes) -> bytes:
    """Return a PNG or WebP with nothing but what is needed to show it; anything else as it is.

    Raises ValueError for a PNG or WebP that is cut.
    """
    if content.startswith(_PNG):
        return _PNG + b"".join(chunk for name, chunk in _png_chunks(content) if name in _PNG_SHOWN)
    if content[:4] == b"RIFF" and content[8:12] == b"WEBP":
        return _webp(content)
    return content


def _png_chunks(content: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Yield each chunk's name with its bytes; what follows the last one is left out."""
    at, name = len(_PNG), b""
    while name != b"IEND":
        if len(content) < at + 12:
            raise ValueError("a PNG ends too early")
        (length,) = struct.unpack_from(">I", content, at)
        name = content[at + 4 : at + 8]
        yield name, content[at : at + 12 + length]
        at += 12 + length


def _webp(content: bytes) -> bytes:
    at, end, parts = 12, 8 + int.from_bytes(content[4:8], "little"), []
    while at < end:
        length = int.from_bytes(content[at + 4 : at + 8], "little")
        chunk = content[at : at + 8 + length + length % 2]
        if len(chunk) < 8 + length:
            raise ValueError("a WebP ends too early")
        if chunk[:4] == b"VP8X":
            chunk = chunk[:8] + bytes([chunk[8] & ~_METADATA_FLAGS]) + chunk[9:]
        if chunk[:4] not in _WEBP_METADATA:
            parts.append(chunk)
        at += len(chunk)
    body = b"WEBP" + b"".join(parts)
    return b"RIFF" + len(body).to_bytes(4, "little") + body
