"""Bytes compressed by gzip, and bounded reading of what others compressed."""

from __future__ import annotations

import gzip
import zlib


def gzipped(content: bytes, level: int = 9) -> bytes:
    """Return bytes compressed; equal ones give equal ones, whatever the hour."""
    return gzip.compress(content, level, mtime=0)


def gunzipped(content: bytes, most: int) -> bytes:
    """Return what was compressed, at most `most` bytes; raises ValueError for more, and for what is not one whole file.

    No more is unpacked than a byte beyond: a file that was made to unpack to gigabytes does no harm.
    """
    machine = zlib.decompressobj(wbits=zlib.MAX_WBITS | 16)
    try:
        found = machine.decompress(content, most + 1)
    except zlib.error as error:
        raise ValueError("it cannot be unpacked") from error
    if len(found) > most:
        raise ValueError(f"it unpacks to more than {most:,} bytes")
    if not machine.eof or machine.unused_data:
        raise ValueError("it is not one whole compressed file")
    return found
