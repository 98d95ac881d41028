"""Archives and packed files, taken apart."""

from __future__ import annotations

import bz2
import io
import lzma
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Iterator

from reportgen.scanning.parts import LARGEST_PART, FilePart, UnreadablePartError, inflated

_GZIP_NAME, _GZIP_COMMENT, _GZIP_EXTRA = 0x08, 0x10, 0x04


def zip_pieces(content: bytes) -> Iterator[FilePart]:
    """Yield names, comments and contents of a ZIP archive, and what stands before its beginning or between entries."""
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            yield FilePart("its comment", archive.comment, "metadata")
            for entry in archive.infolist():
                where = entry.filename
                yield FilePart(f"the name of {where}", entry.filename.encode("utf-8", "surrogateescape"), "name")
                yield FilePart(f"the comment of {where}", entry.comment, "metadata")
                yield FilePart(f"the extra field of {where}", entry.extra, "metadata")
                if entry.file_size > LARGEST_PART:
                    raise UnreadablePartError(f"{where} unpacks to more than 1 GiB")
                if entry.flag_bits & 1:
                    raise UnreadablePartError(f"{where} is encrypted")
                yield FilePart(where, archive.read(entry))
    except (zipfile.BadZipFile, NotImplementedError, EOFError, OSError, RuntimeError, zlib.error) as error:
        raise UnreadablePartError(f"it is a damaged archive ({error})") from error


def gzip_pieces(content: bytes) -> Iterator[FilePart]:
    """Yield the name and comment in a gzip file's header, and what is packed."""
    flags, at = content[3], 10
    if flags & _GZIP_EXTRA:
        end = at + 2 + int.from_bytes(content[at : at + 2], "little")
        yield FilePart("its extra field", content[at:end], "metadata")
        at = end
    for flag, where in ((_GZIP_NAME, "its name"), (_GZIP_COMMENT, "its comment")):
        if flags & flag:
            text, _, _ = content[at:].partition(b"\0")
            yield FilePart(where, text, "metadata")
            at += len(text) + 1
    yield FilePart("what it packs", inflated(content))


def tar_pieces(content: bytes) -> Iterator[FilePart]:
    """Yield names, owners and contents of a tar archive."""
    try:
        with tarfile.open(fileobj=io.BytesIO(content), mode="r:") as archive:
            for entry in archive:
                told = [entry.name, entry.linkname, entry.uname, entry.gname, *entry.pax_headers.values()]
                yield FilePart(
                    f"the entry of {entry.name}", "\n".join(told).encode("utf-8", "surrogateescape"), "metadata"
                )
                if (file := archive.extractfile(entry)) is not None:
                    yield FilePart(entry.name, file.read())
    except tarfile.TarError as error:
        raise UnreadablePartError(f"it is a damaged archive ({error})") from error


def bz2_pieces(content: bytes) -> Iterator[FilePart]:
    """Yield what bzip2 packed."""
    yield FilePart("what it packs", _unpacked(bz2.BZ2Decompressor().decompress, content))


def xz_pieces(content: bytes) -> Iterator[FilePart]:
    """Yield what xz packed."""
    yield FilePart("what it packs", _unpacked(lzma.LZMADecompressor().decompress, content))


def _unpacked(decompress: Callable[[bytes, int], bytes], content: bytes) -> bytes:
    try:
        found = decompress(content, LARGEST_PART + 1)
    except (OSError, lzma.LZMAError, EOFError) as error:
        raise UnreadablePartError(f"it is damaged ({error})") from error
    if len(found) > LARGEST_PART:
        raise UnreadablePartError("it unpacks to more than 1 GiB")
    return found
