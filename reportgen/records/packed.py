"""Long documents of a run as sites carry them: compressed by gzip, the same bytes once they are unpacked."""

from __future__ import annotations

import gzip
import os
import zlib
from pathlib import Path, PurePosixPath

from reportgen.records.documents import DamagedError
from reportgen.records.jobs import Artifact
from reportgen.records.layout import PACKED

LONG_DOCUMENT = 10_000
"""Bytes from which a document is carried compressed: of a shorter one a reader has more when it opens by itself."""

DOCUMENT_KINDS = ("json", "text")
"""The kinds of files that are documents: graphs and tables of single answers, for other programs."""


def is_packed(artifact: Artifact) -> bool:
    """Whether sites carry a file compressed."""
    return artifact.kind in DOCUMENT_KINDS and artifact.bytes >= LONG_DOCUMENT


def carried_path(artifact: Artifact) -> str:
    """Return the path of a file, relative to its run, as a site carries it."""
    return artifact.path + PACKED * is_packed(artifact)


def packed(content: bytes) -> bytes:
    """Return bytes compressed; equal ones give equal ones, whatever the hour."""
    return gzip.compress(content, 9, mtime=0)


def unpacked_size(path: Path) -> int:
    """Return how many bytes a compressed document says it has unpacked; raises OSError."""
    with path.open("rb") as file:
        file.seek(-4, os.SEEK_END)
        return int.from_bytes(file.read(4), "little")


def is_packed_at(path: Path, artifact: Artifact) -> bool:
    """Whether a file lies compressed where `Store.path` found it."""
    return path.name == f"{PurePosixPath(artifact.path).name}{PACKED}"


def content_at(path: Path, artifact: Artifact) -> bytes:
    """Return the bytes of a file from where `Store.path` found it, compressed or not.

    No more is unpacked than a byte beyond what the file has: one that was made to unpack to gigabytes is found to be
    another, and does no harm. Raises OSError, and DamagedError for what cannot be unpacked.
    """
    content = path.read_bytes()
    if not is_packed_at(path, artifact):
        return content
    try:
        return zlib.decompressobj(wbits=zlib.MAX_WBITS | 16).decompress(content, artifact.bytes + 1)
    except zlib.error as error:
        raise DamagedError(f"{artifact.path} is damaged (it cannot be unpacked): compute it again.") from error
