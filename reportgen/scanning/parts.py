"""What a file is taken apart into, before it is looked through."""

from __future__ import annotations

import zlib
from dataclasses import dataclass
from typing import Literal

LARGEST_PART = 1 << 30
"""Bytes that one piece may unpack to: more is refused, for then nobody can say what is in it."""


class UnreadablePartError(ValueError):
    """A piece that cannot be looked through: it is damaged, or unpacks to too much."""


PartKind = Literal["content", "name", "metadata", "pixels"]


@dataclass(frozen=True)
class FilePart:
    """Bytes of a file, or unpacked from it; `where` says from what.

    A `name` is a file's path, `metadata` text that describes a file; `pixels` are what only long words are looked for
    in, since short ones stand there by chance.
    """

    where: str
    content: bytes
    kind: PartKind = "content"


def inflated(content: bytes, window: int = 47) -> bytes:
    """Return what zlib or gzip packed, all members of it; raises UnreadablePartError for too much of it.

    What ends too early is given as far as it goes: a reader would show it so far, too. What follows the last member is
    given as it is.
    """
    found: list[bytes] = []
    left = LARGEST_PART
    while content:
        machine = zlib.decompressobj(window)
        try:
            member = machine.decompress(content, left)
        except zlib.error:
            break
        if machine.unconsumed_tail:
            raise UnreadablePartError("it unpacks to more than 1 GiB")
        found.append(member)
        left -= len(member)
        content = machine.unused_data if left else b""
    return b"".join([*found, content]) if found else b""
