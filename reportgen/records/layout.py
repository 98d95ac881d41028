"""Where what belongs to a job or a clip lies in a run's folder.

No folder has more than some hundred entries of its kind at 10^5 jobs: a parallel file system slows down where one has
many thousands, and some refuse. Names are shared out by the first two signs of a digest.
"""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from reportgen.errors import StoreError
from reportgen.records.os_errors import describe_read_error
from reportgen.records.paths import MEDIA, inside

RECORDS = "records"
PACKED = ".gz"
"""What the name of a compressed file ends in, behind that of the file: a site carries long records and documents so."""

_KEY = re.compile(r"[0-9A-Za-z_-]{1,80}")
_SHARD = re.compile(r"[0-9A-Za-z_-]{1,2}")


def record_name(key: str) -> str:
    """Return the path of a job's record in the run's folder."""
    return f"{RECORDS}/{key[:2]}/{key}.json"


def old_record_name(key: str) -> str:
    """Return the path that a job's record had up to schema 3; it is read where the other one is not there."""
    return f"{RECORDS}/{key}.json"


def media_folder(analysis: str, key: str) -> str:
    """Return the folder of a job's files."""
    return f"{MEDIA}/{analysis}/{key[:2]}/{key}"


def clip_folder(name: str) -> str:
    """Return the folder of a clip's pictures."""
    return f"{MEDIA}/clips/{_clip_place(name)}"


def renamed(path: str, old: str, new: str) -> str:
    """Return the path of a job's or a clip's file once the key or name `old` is `new`, and lies where that belongs."""
    parts = path.split("/")
    for place, moved in ((f"{old[:2]}/{old}", f"{new[:2]}/{new}"), (_clip_place(old), _clip_place(new))):
        for start in range(len(parts) - 1):
            if parts[start : start + 2] == place.split("/"):
                return "/".join([*parts[:start], moved, *parts[start + 2 :]])
    return "/".join(new if part == old else part for part in parts)


def _clip_place(name: str) -> str:
    return f"{hashlib.sha256(name.encode()).hexdigest()[:2]}/{name}"


@dataclass(frozen=True)
class RecordPlace:
    """Where a record of a run lies, as names say; what is no regular file, such as a link, must not be opened."""

    path: str
    is_file: bool


def record_places(run: Path) -> dict[str, RecordPlace]:
    """Return where the records of a run lie by their keys. Raises StoreError, also for a link in their place."""
    inside(run, f"{RECORDS}/any")
    top = run / RECORDS
    old: dict[str, RecordPlace] = {}
    found: dict[str, RecordPlace] = {}
    for name, kind in _entries(top):
        if kind != "folder" and (key := _key_of(name)):
            old[key] = RecordPlace(f"{RECORDS}/{name}", kind == "file")
        elif kind == "folder" and _SHARD.fullmatch(name):
            for file, own in _entries(top / name):
                key = _key_of(file)
                if own == "folder" or not key or key[:2] != name or (key in found and file.endswith(PACKED)):
                    continue
                found[key] = RecordPlace(f"{RECORDS}/{name}/{file}", own == "file")
    return old | found


def _key_of(name: str) -> str | None:
    """Return the key of a record by its file's name; None for another file."""
    key = name.removesuffix(PACKED).removesuffix(".json")
    return key if key not in (name, name.removesuffix(PACKED)) and _KEY.fullmatch(key) else None


def record_file(run: Path, key: str) -> str:
    """Return the path of a job's record as it lies in a run, or would; raises StoreError where no file may be read."""
    name = record_name(key)
    others = (old_record_name(key), name + PACKED)
    return name if inside(run, name).exists() else next((one for one in others if inside(run, one).exists()), name)


def _entries(folder: Path) -> Iterator[tuple[str, str]]:
    """Yield the names in a folder, and "file", "folder" or "other"; nothing of what is no folder, or a link to one."""
    try:
        if folder.is_symlink():
            return
        with os.scandir(folder) as entries:
            for entry in entries:
                is_folder = entry.is_dir(follow_symlinks=False)
                yield entry.name, "folder" if is_folder else "file" if entry.is_file(follow_symlinks=False) else "other"
    except (FileNotFoundError, NotADirectoryError):
        return
    except OSError as error:
        raise StoreError(describe_read_error(error, folder)) from error
