"""The documents of a run: JSON that holds the digest of its own content, so that what was changed since is told."""

from __future__ import annotations

import errno
import hashlib
import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from pydantic import BaseModel, ValidationError

from reportgen.errors import StoreError
from reportgen.gzipped import gunzipped
from reportgen.records.base import Document
from reportgen.records.jobs import content_key
from reportgen.records.layout import PACKED
from reportgen.records.os_errors import describe_read_error

DAMAGED = "Damaged"
"""The class of error that a damaged record is shown with."""


LONGEST = 1 << 26
"""Bytes of a document that is read; those of the largest networks have some hundredth of it."""


LONGEST_INDENTED = 1 << 18
"""Bytes of a document that is written for people to read; a line for each of its numbers would double a longer one."""


class DamagedError(StoreError):
    """A document, or a file that it names, is not what was written: it is to be computed again."""


class SeenDocuments:
    """The documents that were read, by their files' names, with the SHA-256 of their bytes.

    Of those that are `known` it is known that they are what was written: an earlier reader found it. That is not looked
    at again, but they are read and validated as all others are.
    """

    def __init__(self) -> None:
        self.known: frozenset[str] = frozenset()
        self.digests: dict[str, str] = {}

    def note(self, path: Path, digest: str) -> None:
        """Note the SHA-256 of what a file holds."""
        self.digests[path.name.removesuffix(PACKED)] = digest

    def is_known(self, name: str) -> bool:
        """Whether a file that was read is known to be what was written."""
        return self.digests.get(name) in self.known


_Document = TypeVar("_Document", bound=Document)
_Model = TypeVar("_Model", bound=BaseModel)


def document_text(document: Document) -> str:
    """Return a document as it is written, with its digest."""
    fields = json.loads(document.model_dump_json(exclude={"digest"}))  # numbers that JSON does not have as words
    whole = {"digest": content_key(fields), **fields}
    text = json.dumps(whole, separators=(",", ":"), ensure_ascii=False)
    return (text if len(text) > LONGEST_INDENTED else json.dumps(whole, indent=1, ensure_ascii=False)) + "\n"


def read_document(
    path: Path,
    kind: type[_Document],
    seen: SeenDocuments | None = None,
    shorter: Callable[[bytes], _Document | None] | None = None,
) -> _Document:
    """Return a document, validated, and note it among the `seen`.

    `shorter` reads a long one that is known to be what was written in less time; None where it cannot. Raises
    DamagedError when it is not what was written, StoreError without a file.
    """
    content = _bytes(path)
    of_file = hashlib.sha256(content).hexdigest() if seen is not None else ""
    if seen is not None and shorter is not None and len(content) > LONGEST_INDENTED and of_file in seen.known:
        read = shorter(content)
        if read is not None:
            seen.note(path, of_file)
            return read
    found = _validated(path, content, kind)
    if seen is not None:
        seen.note(path, of_file)
        if seen.is_known(path.name.removesuffix(PACKED)):
            return found.model_copy(update={"digest": ""})
    try:
        fields = json.loads(content)
        del fields["digest"]
        digest = content_key(fields)
    except (ValueError, KeyError):  # a number that JSON does not have, or no digest at all
        digest = None
    if digest is None or digest != found.digest:
        raise DamagedError(f"{path} is damaged (it is not what was written): remove it and compute again.")
    return found.model_copy(update={"digest": ""})


def read_part(path: Path, kind: type[_Model]) -> _Model:
    """Return what `kind` takes of a document of any version; raises DamagedError, StoreError without a file."""
    return _validated(path, _bytes(path), kind)


def _bytes(path: Path) -> bytes:
    try:
        size, content = _read_twice(path)
    except OSError as error:
        raise StoreError(describe_read_error(error, path)) from error
    if size > LONGEST:
        raise DamagedError(
            f"{path} is damaged ({size >> 20:,} MiB, and no document has more than {LONGEST >> 20}): remove it and "
            "compute again."
        )
    return _unpacked(path, content) if path.suffix == PACKED else content


def _read_twice(path: Path) -> tuple[int, bytes]:
    """Return a file's length and its bytes, none where it is too long; raises OSError.

    One that is replaced on a file server while it is open here is stale: then the one in its place is read.
    """
    try:
        return _read(path)
    except OSError as error:
        if error.errno != errno.ESTALE:
            raise
    return _read(path)


def _read(path: Path) -> tuple[int, bytes]:
    with path.open("rb", buffering=0) as file:  # read at once
        size = os.fstat(file.fileno()).st_size
        return size, file.readall() if size <= LONGEST else b""


def _unpacked(path: Path, content: bytes) -> bytes:
    try:
        return gunzipped(content, LONGEST)
    except ValueError as error:
        raise DamagedError(f"{path} is damaged ({error}): remove it and compute again.") from error


def _validated(path: Path, content: bytes, kind: type[_Model]) -> _Model:
    try:
        return kind.model_validate_json(content)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"]) or "the file"
        what = first["msg"].removeprefix("Value error, ")
        raise DamagedError(f"{path} is damaged ({where}: {what}): remove it and compute again.") from error
