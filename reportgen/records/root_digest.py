"""The root digest of a report: one SHA-256 from which every change of any of its files is told.

The root digest is the SHA-256 of a listing: for each file of the report but ``SHA256SUMS`` a line ``SUM  PATH``, in the
order of the paths' UTF-8 bytes, each line ended by a line feed. Some files show the root digest itself. In these its
64 digits count as zeros, and ``SUM:N`` stands in the place of ``SUM``, where N is how often the file shows it.

A sealed folder holds the root digest in ``root-digest.txt``, and in ``SHA256SUMS`` the sums of its files as they are,
for ``sha256sum -c SHA256SUMS``. Only a root digest that came by another way (a paper, an e-mail) proves anything:
whoever changes a report can seal it again.
"""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from reportgen.errors import RenderError, StoreError
from reportgen.records.files import write_text
from reportgen.records.os_errors import describe_os_error, describe_read_error
from reportgen.records.paths import check_relative, inside

SUMS = "SHA256SUMS"
ROOT_FILE = "root-digest.txt"
UNSEALED = "NoRootDigestSinceThisReportWasNotSealed"
"""What a page shows as root digest until the report is sealed; letters alone, which nothing escapes."""

DIGITS = 64
_ZEROS = b"0" * DIGITS
_ROOT = re.compile(r"[0-9a-f]{64}")
_LINE = re.compile(r"([0-9a-f]{64}) [ *](.+)")
_BLOCK = 1 << 20
_NO_PART = frozenset(
    {".reportgen.json", ".reportgen.lock", ".reportgen-staging", ".reportgen-journal.json"}
    | {".git", ".gitignore", ".nojekyll", "CNAME"}
)
"""What lies in a report's folder and is no part of it: how reportgen knows its own files, and what a host reads."""


@dataclass(frozen=True)
class FileDigest:
    """Digests of a file: `plain` of its bytes, `blank` of those with the root digests, `shown` in number, as zeros."""

    plain: str
    blank: str
    shown: int


def seal(folder: Path) -> str:
    """Write ``SHA256SUMS`` and ``root-digest.txt`` into a finished report, and return its root digest.

    Every file below `folder` is of the report, but for reportgen's own bookkeeping and what a host reads. What shows no
    digest yet, or one of an earlier seal, shows this one afterwards. Raises RenderError when a file cannot be read or
    written, and StoreError for a link, or a name that ``SHA256SUMS`` cannot hold.
    """
    earlier = read_root(folder)
    try:
        write_text(folder / ROOT_FILE, f"{UNSEALED}\n")
        tokens = tuple(token.encode() for token in (UNSEALED, earlier) if token)
        paths = [path for path in report_files(folder) if path != SUMS]
        found = {path: digest_of_file(inside(folder, path), tokens) for path in paths}
        root = root_digest(found)
        for path in (path for path, digest in found.items() if digest.shown):
            found[path] = _show(folder / path, tokens, root)
        write_text(folder / SUMS, sums_text(found))
    except OSError as error:
        raise RenderError(describe_os_error(error, folder)) from error
    return root


def root_digest(files: Mapping[str, FileDigest]) -> str:
    """Return the root digest of a report's files, ``SHA256SUMS`` not among them, by their paths."""
    listing = hashlib.sha256()
    for path in in_listing_order(files):
        digest = files[path]
        listing.update(f"{digest.blank}{f':{digest.shown}' if digest.shown else ''}  {path}\n".encode())
    return listing.hexdigest()


def sums_text(files: Mapping[str, FileDigest]) -> str:
    """Return what ``SHA256SUMS`` says of files."""
    return "".join(f"{files[path].plain}  {path}\n" for path in in_listing_order(files))


def in_listing_order(paths: Iterable[str]) -> list[str]:
    """Return paths in the order of the listing, which no locale changes."""
    return sorted(paths, key=lambda path: path.encode("utf-8", "surrogateescape"))


def report_files(folder: Path) -> list[str]:
    """Return the paths of all files of a report's folder; raises StoreError for what is no file."""
    found: list[str] = []
    for place, folders, names in os.walk(folder, onerror=_unreadable):
        if Path(place) == folder:
            folders[:] = [name for name in folders if name not in _NO_PART]
        links = [name for name in folders if Path(place, name).is_symlink()]
        for name in (*names, *links):
            path = Path(place, name).relative_to(folder).as_posix()
            if path not in _NO_PART:
                inside(folder, path)
                found.append(path)
    return found


def _unreadable(error: OSError) -> None:
    raise StoreError(describe_read_error(error, error.filename)) from error


def read_root(folder: Path) -> str | None:
    """Return the root digest that a folder was sealed with, as it says itself; None where it says none."""
    try:
        with inside(folder, ROOT_FILE).open("rb") as file:
            return root_of(file.read(DIGITS + 2))
    except OSError:
        return None


def root_of(content: bytes) -> str | None:
    """Return the root digest that the content of a ``root-digest.txt`` names; None for anything else."""
    text = content.decode("ascii", "replace").removesuffix("\n")
    return text if _ROOT.fullmatch(text) else None


def parse_root(text: str) -> str | None:
    """Return a root digest as somebody typed or copied it, in small letters and without spaces; None for no digest."""
    plain = re.sub(r"\s+", "", text).lower().removeprefix("sha256:")
    return plain if _ROOT.fullmatch(plain) else None


def parse_sums(text: str) -> dict[str, str]:
    """Return the sums of a ``SHA256SUMS`` by path; raises ValueError for what is none, names outside and duplicates."""
    sums: dict[str, str] = {}
    for number, line in enumerate(text.splitlines(), start=1):
        match = _LINE.fullmatch(line)
        if match is None:
            raise ValueError(f"line {number} is no sum and path")
        if (path := check_relative(match[2])) in sums:
            raise ValueError(f"line {number} names {path} a second time")
        sums[path] = match[1]
    return sums


def sealed_digest(file: BinaryIO, tokens: Sequence[bytes] = ()) -> FileDigest:
    """Return the digests of an open file in which each of `tokens` counts as zeros."""
    plain, blank, shown = hashlib.sha256(), hashlib.sha256(), 0
    pattern = _any_of(tokens)
    keep = max((len(token) for token in tokens), default=1) - 1
    left = b""
    while block := file.read(_BLOCK):
        plain.update(block)
        left += block
        left, count = _take(blank, left, pattern, keep)
        shown += count
    _, count = _take(blank, left, pattern, 0)
    return FileDigest(plain.hexdigest(), blank.hexdigest(), shown + count)


def _take(total: hashlib._Hash, content: bytes, pattern: re.Pattern[bytes] | None, keep: int) -> tuple[bytes, int]:
    """Add content with blanked tokens to a sum; return its last bytes, where a token may have begun, and the tokens."""
    if pattern is None:
        total.update(content)
        return b"", 0
    place = count = 0
    for match in pattern.finditer(content):
        total.update(content[place : match.start()] + _ZEROS)
        place, count = match.end(), count + 1
    end = max(place, len(content) - keep)
    total.update(content[place:end])
    return content[end:], count


def _any_of(tokens: Sequence[bytes]) -> re.Pattern[bytes] | None:
    escaped = [re.escape(token) for token in tokens]
    return re.compile(b"|".join(escaped)) if escaped else None


def digest_of_file(path: Path, tokens: Sequence[bytes]) -> FileDigest:
    """Return the digests of a file in which each of `tokens` counts as zeros."""
    with path.open("rb") as file:
        return sealed_digest(file, tokens)


def _show(path: Path, tokens: Sequence[bytes], root: str) -> FileDigest:
    """Put the root digest where a file shows a token; return its digests."""
    pattern = _any_of(tokens)
    content = path.read_bytes()
    if pattern is not None:
        content = pattern.sub(root.encode(), content)
    path.write_bytes(content)
    return digest_of_file(path, (root.encode(),))
