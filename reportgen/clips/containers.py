"""Whether a file is as long as it says: decoders show what is left of a truncated one without a word."""

from __future__ import annotations

import os
from pathlib import Path
from typing import BinaryIO

from reportgen.errors import ClipError


def check_complete(path: Path) -> None:
    """Raise ClipError when a RIFF (avi, webp), ISO (mp4, mov), Matroska (mkv, webm) or GIF file was cut off."""
    actual = path.stat().st_size
    with path.open("rb") as file:
        declared = _declared_size(file, actual)
    if declared is not None and declared > actual:
        raise ClipError(
            f"{path.name} was cut off: it says that it has {declared} bytes and has {actual}; "
            "copy or download it again."
        )


def _declared_size(file: BinaryIO, actual: int) -> int | None:
    """Return the bytes that the file should have, as its own structure says; None when it does not say."""
    head = file.read(12)
    if head[:4] == b"RIFF":
        size = int.from_bytes(head[4:8], "little")
        return None if size in (0, 0xFFFFFFFF) else size + 8
    if head[4:8] in (b"ftyp", b"moov", b"mdat", b"wide", b"free", b"skip"):
        return _iso_size(file, actual)
    if head[:4] == b"\x1a\x45\xdf\xa3":
        return _matroska_size(file, actual)
    if head[:3] == b"GIF":
        file.seek(-min(actual, 64), os.SEEK_END)
        ends = file.read().rstrip(b"\0").endswith(b"\x3b")
        return actual if ends else actual + 1
    return None


def _iso_size(file: BinaryIO, actual: int) -> int:
    """Walk the top-level boxes: each begins with its length (0: to the end of the file; 1: 64 bits follow)."""
    position = 0
    while position + 8 <= actual:
        file.seek(position)
        head = file.read(16)
        size = int.from_bytes(head[:4], "big")
        if size == 1 and len(head) == 16:
            size = int.from_bytes(head[8:], "big")
        if size == 0:
            return actual
        if size < 8:
            return max(position, actual)
        position += size
    return position


def _matroska_size(file: BinaryIO, actual: int) -> int | None:
    """Walk the top-level elements: an identifier and a length, both of variable width (RFC 8794)."""
    position = 0
    while position < actual:
        file.seek(position)
        head = file.read(16)
        identifier = _width(head[:1])
        if not identifier or len(head) <= identifier:
            return None
        length = _width(head[identifier : identifier + 1])
        field = head[identifier : identifier + length]
        if not length or len(field) < length:
            return None
        size = int.from_bytes(field, "big") & ((1 << 7 * length) - 1)
        if size == (1 << 7 * length) - 1:
            return None  # live recordings do not know their length
        position += identifier + length + size
    return position


def _width(first: bytes) -> int:
    """Return how many bytes a variable-width integer has; 0 when `first` begins none."""
    return 9 - first[0].bit_length() if first and first[0] else 0
