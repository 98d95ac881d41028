"""A folder as a ZIP archive whose bytes depend on the names and contents of its files alone."""

from __future__ import annotations

import zipfile
from pathlib import Path, PurePosixPath

from reportgen.errors import StoreError
from reportgen.progress import SILENT, Progress
from reportgen.records.os_errors import describe_os_error
from reportgen.records.root_digest import in_listing_order, report_files

ARCHIVE_FOLDER = "report"
"""The folder that everything in an archive lies in: unpacked anywhere, a report is one folder."""

_EPOCH = (1980, 1, 1, 0, 0, 0)
"""The earliest time that ZIP knows."""

_MODE = 0o100644 << 16
_UNIX = 3
_HEADERS = 30 + 46
"""Bytes of an entry beside its content and, twice, its name."""

_LEVEL = 9
_COMPRESSED = frozenset(
    {".avif", ".gif", ".gz", ".jpeg", ".jpg", ".mp4", ".npz", ".pdf", ".png", ".webp", ".woff", ".woff2", ".zip"}
)
"""What deflating makes no smaller: it is stored."""


def write_archive(folder: Path, target: Path, progress: Progress = SILENT) -> None:
    """Write the files of a report as an archive: equal files give equal bytes.

    Entries are sorted, their time is that of the format's beginning, their permissions are read for all and write for
    the owner, and no user, group or comment is in them. Raises StoreError when the archive cannot be written.
    """
    names = in_listing_order(report_files(folder))
    try:
        with zipfile.ZipFile(target, "w") as archive, progress.task("Writing the archive", len(names)) as task:
            for name in names:
                archive.writestr(_entry(name), (folder / name).read_bytes(), compresslevel=_LEVEL)
                task.advance()
    except OSError as error:
        raise StoreError(describe_os_error(error, target)) from error


def entry_sizes(archive: Path) -> dict[str, int]:
    """Return the bytes that each file takes in an archive of a report, by its path in the report."""
    with zipfile.ZipFile(archive) as file:
        found = {one.filename: one.compress_size + _HEADERS + 2 * len(one.filename.encode()) for one in file.infolist()}
    return {name.removeprefix(f"{ARCHIVE_FOLDER}/"): size for name, size in found.items()}


def is_stored(name: str) -> bool:
    """Whether a file of that name is compressed already."""
    return PurePosixPath(name).suffix.lower() in _COMPRESSED


def _entry(name: str) -> zipfile.ZipInfo:
    entry = zipfile.ZipInfo(f"{ARCHIVE_FOLDER}/{name}", _EPOCH)
    entry.compress_type = zipfile.ZIP_STORED if is_stored(name) else zipfile.ZIP_DEFLATED
    entry.external_attr = _MODE
    entry.create_system = _UNIX
    return entry
