"""Opening a report that came from elsewhere: a folder, or a zip archive, of which no byte is trusted.

An archive is unpacked into an empty folder after its list of files has been checked whole. Nothing of it is run, and
archives within it stay closed.
"""

from __future__ import annotations

import os
import shutil
import stat
import tempfile
import unicodedata
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath

from reportgen.errors import ArchiveError, StoreError
from reportgen.records.files import PART
from reportgen.records.os_errors import describe_os_error
from reportgen.records.paths import check_relative
from reportgen.records.root_digest import SUMS, report_files

MOST_FILES = 1_000_000
MOST_BYTES = 64 << 30
"""Bytes that an archive may have unpacked; a report with all its arrays has less than a tenth."""

_FREE_BYTES = 1 << 30
_MOST_RATIO = 200
"""An archive that unpacks to more than `_FREE_BYTES` must not shrink more than so: text does by 10, a bomb by 1,000."""

_BLOCK = 1 << 20
_DAMAGES = (OSError, ValueError, EOFError, RuntimeError, NotImplementedError, zipfile.BadZipFile, zlib.error)
_ENCRYPTED = 0x1


@contextmanager
def opened_report(path: Path) -> Iterator[Path]:
    """Yield the folder of the report at `path`: itself, or what its archive unpacks to, removed at the end.

    Raises ArchiveError for what is no report, or an archive that is cut or holds what no report does: paths outside
    itself, links, devices, two files of one name, more than it says or than any report has.
    """
    if not os.path.lexists(path):
        raise ArchiveError(f"{path} does not exist: name a report's folder or zip archive.")
    if path.is_dir():
        yield _report_in(path, path)
        return
    if not path.is_file():
        raise ArchiveError(f"{path} is no file: name a report's folder or zip archive.")
    if not zipfile.is_zipfile(path):
        raise ArchiveError(
            f"{path} is no zip archive, or is cut short: get it again, or name the folder that it was unpacked to."
        )
    try:
        place = tempfile.TemporaryDirectory(prefix=PART)
    except OSError as error:
        raise StoreError(describe_os_error(error, Path(tempfile.gettempdir()))) from error
    with place as folder:
        _unpack(path, Path(folder))
        yield _report_in(Path(folder), path)


def _report_in(folder: Path, path: Path) -> Path:
    """Return the folder with the report's front page: this one, or the only one in it."""
    if _holds_report(folder):
        return folder
    try:
        inner = [one for one in sorted(folder.iterdir()) if one.is_dir() and not one.is_symlink()]
    except OSError as error:
        raise ArchiveError(f"{path} cannot be read ({error.strerror or error}): get it again.") from error
    found = [one for one in inner if _holds_report(one)]
    if len(found) > 1:
        names = ", ".join(one.name for one in found[:4])
        raise ArchiveError(f"{path} holds {len(found)} reports ({names}): name the folder of one of them.")
    if not found:
        raise ArchiveError(f"{path} is no report of reportgen: it has neither {SUMS} nor a front page with its runs.")
    return found[0]


def _holds_report(folder: Path) -> bool:
    if not (folder / "index.html").is_file():
        return False
    return (folder / SUMS).is_file() or any(folder.glob("*/run.json"))


def checked_files(folder: Path) -> list[str]:
    """Return the paths of all files of a report; raises ArchiveError for links, devices, and names that clash."""
    try:
        paths = report_files(folder)
    except StoreError as error:
        raise ArchiveError(str(error)) from error
    _check_names(paths)
    return paths


def _check_names(paths: list[str]) -> None:
    """Raise ArchiveError for two names that are one where upper and lower case, or forms of one sign, are the same."""
    seen: dict[str, str] = {}
    folders: dict[str, str] = {}
    for path in paths:
        folded = _folded(path)
        if folded in seen:
            raise ArchiveError(f"The report has {seen[folded]} and {path}, which are one file on some machines.")
        seen[folded] = path
        for parent in PurePosixPath(path).parents:
            if (other := folders.setdefault(_folded(str(parent)), str(parent))) != str(parent):
                raise ArchiveError(f"The report has {other}/ and {parent}/, which are one folder on some machines.")
    if clash := next((folders[name] for name in seen if name in folders), None):
        raise ArchiveError(f"The report has {clash} both as a file and as a folder.")


def _folded(path: str) -> str:
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", path).casefold())


def _unpack(path: Path, folder: Path) -> None:
    try:
        with zipfile.ZipFile(path) as archive:
            members = _checked_members(path, archive)
            if shutil.disk_usage(folder).free < sum(member.file_size for member in members):
                raise StoreError(
                    f"There is no space left in {folder.parent} to unpack {path}: free some and try again."
                )
            for member in members:
                _extract(path, archive, member, folder)
    except _DAMAGES as error:
        what = str(error) or type(error).__name__
        raise ArchiveError(f"{path} is cut or damaged ({what}): get it again.") from error


def _checked_members(path: Path, archive: zipfile.ZipFile) -> list[zipfile.ZipInfo]:
    """Return the files of an archive; raises ArchiveError unless all of them may be unpacked."""
    members = archive.infolist()
    if len(members) > MOST_FILES:
        raise ArchiveError(f"{path} holds {len(members):,} files, and no report has more than {MOST_FILES:,}.")
    for member in members:
        _check_member(path, member)
    files = [member for member in members if not member.is_dir()]
    _check_names([member.filename for member in files])
    size = sum(member.file_size for member in files)
    packed = min(sum(member.compress_size for member in files), path.stat().st_size)
    if size > MOST_BYTES or (size > _FREE_BYTES and size > packed * _MOST_RATIO):
        raise ArchiveError(
            f"{path} would unpack to {size >> 20:,} MiB, from {packed >> 10:,} KiB: no report does, and it is refused."
        )
    return files


def _check_member(path: Path, member: zipfile.ZipInfo) -> None:
    try:
        check_relative(member.filename.removesuffix("/"))
        if member.orig_filename not in (member.filename, ""):
            check_relative(member.orig_filename.removesuffix("/"))
    except ValueError as error:
        raise ArchiveError(f"{path} holds a file that must not be there: {error}.") from error
    kind = stat.S_IFMT(member.external_attr >> 16)
    if kind not in (0, stat.S_IFREG, stat.S_IFDIR):
        raise ArchiveError(f"{path} holds {member.filename}, which is a link or a device and no file.")
    if member.flag_bits & _ENCRYPTED:
        raise ArchiveError(f"{path} is encrypted ({member.filename}): unpack it, and name the folder.")


def _extract(path: Path, archive: zipfile.ZipFile, member: zipfile.ZipInfo, folder: Path) -> None:
    """Write one file; raises ArchiveError when it has other bytes than it says, BadZipFile when its sum is another."""
    place = folder / member.filename
    place.parent.mkdir(parents=True, exist_ok=True)
    left = member.file_size
    with archive.open(member) as source, place.open("xb") as target:
        while block := source.read(_BLOCK):
            left -= len(block)
            if left < 0:
                break
            target.write(block)
    if left:
        raise ArchiveError(f"{path} is damaged: {member.filename} has not the size that the archive says.")
