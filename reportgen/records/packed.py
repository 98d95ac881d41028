"""Long documents of a run as sites carry them: compressed by gzip, the same bytes once they are unpacked."""

from __future__ import annotations

import os
from pathlib import Path, PurePosixPath

from reportgen.gzipped import gunzipped
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

    Raises OSError, and DamagedError for what cannot be unpacked or has more bytes than the file.
    """
    content = path.read_bytes()
    if not is_packed_at(path, artifact):
        return content
    try:
        return gunzipped(content, artifact.bytes)
    except ValueError as error:
        raise DamagedError(f"{artifact.path} is damaged ({error}): compute it again.") from error
