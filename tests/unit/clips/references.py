"""A QuickTime movie whose pictures lie in another file, as some cameras and editors write them."""

from __future__ import annotations

import struct
from pathlib import Path

_PARENTS = (b"moov", b"trak", b"mdia", b"minf", b"dinf")


def refer_to(movie: Path, other: str, target: Path) -> Path:
    """Write `movie` (whose index stands after its data) with its data reference leading to the file `other`."""
    data = movie.read_bytes()
    at = data.index(b"dref") - 4
    old = int.from_bytes(data[at : at + 4], "big")
    entry = _alias(other)
    dref = struct.pack(">I4sII", 16 + len(entry), b"dref", 0, 1) + entry
    changed = bytearray(data[:at] + dref + data[at + old :])
    for parent in _PARENTS:
        place = changed.rindex(parent, 0, at) - 4
        size = int.from_bytes(changed[place : place + 4], "big")
        struct.pack_into(">I", changed, place, size + len(dref) - old)
    target.write_bytes(changed)
    return target


def _alias(other: str) -> bytes:
    """Return a Macintosh alias record in a data reference, with the path as absolute and as UTF-8 entries."""
    path = other.encode()
    even = path + b"\0" * (len(path) % 2)
    entries = b"".join(struct.pack(">HH", kind, len(path)) + even for kind in (2, 18)) + struct.pack(">hH", -1, 0)
    name = Path(other).name.encode()[:63]
    body = bytes(10) + b"\x01v".ljust(28, b"\0") + bytes(12) + bytes([len(name)]) + name.ljust(63, b"\0") + bytes(16)
    body += struct.pack(">HH", 1, 1) + bytes(16) + entries
    return struct.pack(">I4sI", 12 + len(body), b"alis", 0) + body
