"""The search through a finished archive, file or folder, whatever is packed into what."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from reportgen.errors import ForbiddenWordError, RenderError
from reportgen.progress import SILENT, Progress
from reportgen.records.os_errors import describe_os_error
from reportgen.scanning.archives import bz2_pieces, gzip_pieces, tar_pieces, xz_pieces, zip_pieces
from reportgen.scanning.images import PNG, box_pieces, gif_pieces, jpeg_pieces, png_pieces, riff_pieces
from reportgen.scanning.parts import FilePart, PartKind, UnreadablePartError, inflated
from reportgen.scanning.pdf import pdf_pieces
from reportgen.scanning.texts import as_text, spellings, unpacked_base64
from reportgen.scanning.words import ForbiddenWord, ForbiddenWords, FoundWord

_DEEPEST = 8
_BASE64 = "base64"
_NAME = "its name"
_PRINTED = frozenset(range(0x20, 0x7F)) | frozenset(b"\t\n\r")
_MOSTLY, _SAMPLE = 0.9, 4096
_ZLIB = (b"\x78\x01", b"\x78\x5e", b"\x78\x9c", b"\x78\xda")
_ZIP_END, _ZIP_TAIL = b"PK\x05\x06", 65_557
_PDF, _HEADER = b"%PDF-", 1024
_ARRAY, _TEXT_ARRAY = b"\x93NUMPY", re.compile(rb"'descr': '[<>|=]?[US]|'\|O'")
_CLOSED: Mapping[bytes, str] = {
    b"\x28\xb5\x2f\xfd": "Zstandard",
    b"7z\xbc\xaf\x27\x1c": "7-Zip",
    b"Rar!\x1a\x07": "RAR",
    b"\x04\x22\x4d\x18": "LZ4",
    b"LZIP\1": "lzip",
    b"MSCF\0\0\0\0": "a cabinet",
    b"\x89HDF\r\n\x1a\n": "HDF5",
}
"""How files begin that are packed in ways which are not unpacked here."""

_KINDS: Mapping[bytes, Callable[[bytes], Iterator[FilePart]]] = {
    b"\x1f\x8b\x08": gzip_pieces,
    b"PK\x03\x04": zip_pieces,
    b"BZh": bz2_pieces,
    b"\xfd7zXZ\0": xz_pieces,
    PNG: png_pieces,
    b"GIF8": gif_pieces,
    b"RIFF": riff_pieces,
    b"\xff\xd8\xff": jpeg_pieces,
}


@dataclass(frozen=True)
class Hit:
    """A word that stands in a file, or in its name; `where` says in which part of the file, empty for the whole."""

    file: str
    where: str
    word: ForbiddenWord
    found: str

    @property
    def sentence(self) -> str:
        """What was found where."""
        place = f"{self.file} ({self.where})" if self.where else self.file
        place = f"the name of {self.file}" if self.where == _NAME else place
        return f"{place} holds {self.found!r}, {self.word.what}"


def check_report(place: Path, words: ForbiddenWords, name: str, progress: Progress = SILENT) -> None:
    """Raise ForbiddenWordError when a finished report, a file or a folder called `name`, holds one of the words.

    Raises RenderError for a file that cannot be looked through.
    """
    if not words:
        return
    hits = list(scan(place, words, name, progress))
    if hits:
        others = len({(hit.file, hit.where.partition(", ")[0]) for hit in hits if hit.where}) - 1
        more = f"; {others} more {'files hold' if others > 1 else 'file holds'} such words" if others > 0 else ""
        raise ForbiddenWordError(f"Nothing was written, for {_nearest(hits).sentence}{more}.")


def _nearest(hits: Sequence[Hit]) -> Hit:
    """Return the first word that was found, in the innermost part of the file that holds it."""
    first = next((hit for hit in hits if hit.where), hits[0])
    same = (hit for hit in hits if (hit.file, hit.word) == (first.file, first.word))
    return max((hit for hit in same if hit.where.startswith(first.where)), key=lambda hit: len(hit.where))


def scan(place: Path, words: ForbiddenWords, name: str, progress: Progress = SILENT) -> Iterator[Hit]:
    """Yield each word that a file or the files of a folder hold, once for each part of each file.

    Whatever is packed is unpacked, at any depth: see `reportgen.scanning.archives`, `images` and `pdf`. Raises
    RenderError for what cannot be looked through: damaged, encrypted or too large once unpacked.
    """
    whole = place.is_dir()
    files = sorted(path for path in place.rglob("*") if path.is_file()) if whole else [place]
    with progress.task("Looking for names", len(files)) as task:
        for path in files:
            called = path.relative_to(place).as_posix() if whole else name
            try:
                found = [*((_NAME, one) for one in words.in_name(called)), *_look(path.read_bytes(), words)]
            except UnreadablePartError as error:
                raise RenderError(f"{called} cannot be looked through for names: {error}.") from error
            except OSError as error:
                raise RenderError(describe_os_error(error, path)) from error
            yield from {(where, one.word): Hit(called, where, one.word, one.text) for where, one in found}.values()
            task.advance()


def _look(content: bytes, words: ForbiddenWords) -> Iterator[tuple[str, FoundWord]]:
    """Yield each word in a file and in whatever is packed in it, with where it stands."""
    waiting = [(FilePart("", content), 0)]
    while waiting:
        piece, depth = waiting.pop()
        if depth > _DEEPEST:
            raise UnreadablePartError(f"more than {_DEEPEST} things are packed into one another")
        found, parts = _taken_apart(piece, words)
        yield from ((piece.where, one) for one in found)
        for part in parts:
            where = f"{piece.where}, {part.where}" if piece.where else part.where
            waiting.append((replace(part, where=where), depth + 1))


def _taken_apart(piece: FilePart, words: ForbiddenWords) -> tuple[Iterable[FoundWord], Iterable[FilePart]]:
    """Return the words in a piece itself, and what is packed in it."""
    if piece.kind == "name":
        return words.in_name(piece.content.decode("utf-8", "replace")), ()
    text = None if piece.kind == "pixels" or piece.content.startswith(_PDF) else as_text(piece.content)
    if text is not None:
        left, packed = unpacked_base64(text, short=not piece.where.endswith(_BASE64))
        return _in_text(left, words, piece.kind), (FilePart(_BASE64, one) for one in packed)
    take = None if piece.kind == "pixels" else _taking(piece.content)
    return _in_binary(piece, words), take(piece.content) if take else ()


def _in_text(text: str, words: ForbiddenWords, kind: PartKind) -> Iterator[FoundWord]:
    for spelled in spellings(text):
        yield from words.in_metadata(spelled) if kind == "metadata" else words.in_text(spelled)


def _in_binary(piece: FilePart, words: ForbiddenWords) -> Iterator[FoundWord]:
    """Yield the words in bytes: in those that may be text every word, in others those that no chance writes."""
    yield from words.in_bytes(piece.content)
    if piece.kind == "pixels":
        return
    signs = piece.content.replace(b"\0", b"")  # UTF-16 and UTF-32 of Latin letters
    if piece.kind == "metadata" or _is_array_of_text(piece.content):
        for parted in (signs, piece.content.replace(b"\0", b"\n")):
            yield from words.in_metadata(parted.decode("latin-1"))
            yield from words.in_metadata(parted.decode("utf-8", "replace"))
    elif sum(byte in _PRINTED for byte in signs[:_SAMPLE]) > _MOSTLY * len(signs[:_SAMPLE]):
        yield from _in_text(signs.decode("latin-1"), words, piece.kind)


def _is_array_of_text(content: bytes) -> bool:
    return content.startswith(_ARRAY) and _TEXT_ARRAY.search(content[:_HEADER]) is not None


def _taking(content: bytes) -> Callable[[bytes], Iterator[FilePart]] | None:
    """Return what takes bytes of this kind apart; None for bytes that hold nothing else."""
    if closed := next((what for start, what in _CLOSED.items() if content.startswith(start)), None):
        raise UnreadablePartError(f"it is packed as {closed}, which is not unpacked here")
    if found := next((take for start, take in _KINDS.items() if content.startswith(start)), None):
        return found
    if content[4:8] == b"ftyp":
        return box_pieces
    if _PDF in content[:_HEADER]:
        return pdf_pieces
    if content[257:262] == b"ustar":
        return tar_pieces
    if _ZIP_END in content[-_ZIP_TAIL:]:
        return zip_pieces
    return _packed_pieces if content[:2] in _ZLIB else None


def _packed_pieces(content: bytes) -> Iterator[FilePart]:
    yield FilePart("what it packs", inflated(content))
