"""Archives and packed files, taken apart."""

from __future__ import annotations

import bz2
import io
import lzma
import struct
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Iterator

from reportgen.scanning.parts import LARGEST_PART, FilePart, UnreadablePartError, inflated

_ZIP_HEAD, _DESCRIPTOR, _DESCRIBED = 30, 16, 0x08
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
            yield from _between(content, archive)
    except (
        zipfile.BadZipFile,
        NotImplementedError,
        EOFError,
        OSError,
        RuntimeError,
        struct.error,
        zlib.error,
    ) as error:
        raise UnreadablePartError(f"it is a damaged archive ({error})") from error


def _between(content: bytes, archive: zipfile.ZipFile) -> Iterator[FilePart]:
    """Yield what the head of each file says, which need not be what the list says, and what stands between files."""
    end = 0
    for entry in sorted(archive.infolist(), key=lambda one: one.header_offset):
        head = entry.header_offset
        name, extra = struct.unpack_from("<HH", content, head + 26)
        start = head + _ZIP_HEAD + name + extra
        if (called := content[head + _ZIP_HEAD : start - extra]) != entry.orig_filename.encode(
            "utf-8", "surrogateescape"
        ):
            yield FilePart(f"the name before {entry.filename}", called, "name")
        yield FilePart(f"the extra field before {entry.filename}", content[start - extra : start], "metadata")
        yield FilePart(f"what stands before {entry.filename}", content[end:head], "metadata")
        end = max(end, start + entry.compress_size + _DESCRIPTOR * bool(entry.flag_bits & _DESCRIBED))
    yield FilePart("what stands behind its files", content[end : archive.start_dir], "metadata")


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
    yield FilePart("what it packs", _unpacked(bz2.BZ2Decompressor, content))


def xz_pieces(content: bytes) -> Iterator[FilePart]:
    """Yield what xz packed."""
    yield FilePart("what it packs", _unpacked(lzma.LZMADecompressor, content))


def _unpacked(made: Callable[[], bz2.BZ2Decompressor | lzma.LZMADecompressor], content: bytes) -> bytes:
    """Return what all streams of a file hold, and what follows the last one."""
    found: list[bytes] = []
    left = LARGEST_PART
    while content:
        machine = made()
        try:
            stream = machine.decompress(content, left + 1)
        except (OSError, lzma.LZMAError, EOFError) as error:
            if found:
                break
            raise UnreadablePartError(f"it is damaged ({error})") from error
        left -= len(stream)
        if left < 0:
            raise UnreadablePartError("it unpacks to more than 1 GiB")
        found.append(stream)
        content = machine.unused_data if machine.eof else b""
    return b"".join([*found, content])
