"""An SQLite file of frames: table `Images(ObjId TEXT, frames BLOB)`, one encoded image per row."""

from __future__ import annotations

import io
import re
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from itertools import count
from pathlib import Path

from reportgen.clips.series import in_order, natural_key
from reportgen.clips.stills import StillsSource
from reportgen.errors import ClipError, unknown_name

FILE_NAME = "frames.db"

MAX_ROWS = 2**20
"""Frames of a file that are looked at."""

MAX_BYTES = 2**28
"""Bytes of one encoded frame, or of a name."""

MAX_PAUSES = 100
_STEPS = 1_000_000
"""Steps of SQLite's machine between two pauses: a million frames are listed in ten such, and 100 take seconds."""

_MAGIC = b"SQLite format 3\0"
_NUMBER = re.compile(r"[_\-. ]?(frame|image|img)?[_\-. ]?[0-9]+(\.[A-Za-z]+)?$", re.IGNORECASE)


def is_database(path: Path) -> bool:
    """Return whether the file is (by its first bytes, or its name) an SQLite file."""
    with path.open("rb") as file:
        return file.read(len(_MAGIC)) == _MAGIC or path.suffix.lower() in (".db", ".sqlite", ".sqlite3")


def find_database(folder: Path) -> Path | None:
    """Return the folder's `frames.db`, or None."""
    path = folder / FILE_NAME
    return path if path.is_file() else None


def video_names(path: Path) -> list[str]:
    """Return the names of the videos in the file, in their natural order; raises ClipError when it has none."""
    with _connection(path) as connection:
        return sorted(_videos(connection, path.name), key=natural_key)


class DatabaseSource(StillsSource):
    """The frames of one video in the file, in the natural order of their names; the file is opened read-only.

    A video is what stands before a name's last `/`, or, without one, before its number. `video` chooses one where
    there are several; the beginning of its name is enough when it is unique.
    """

    def __init__(self, path: Path, video: str | None = None) -> None:
        self._path = path
        self.file_name = path.name
        name, self._ids = self._choose(video)
        self.title = name or path.resolve().parent.name
        self.count = len(self._ids)

    def _file(self, index: int) -> tuple[str, io.BytesIO]:
        name = f"The frame {self._ids[index]} of {self.file_name}"
        return name, io.BytesIO(self._blob(self._ids[index], name))

    def _blob(self, identifier: str, name: str) -> bytes:
        with _connection(self._path) as connection:
            row = connection.execute("SELECT frames FROM Images WHERE ObjId = ?", (identifier,)).fetchone()
        if row is None or not isinstance(row[0], bytes) or not row[0]:
            raise ClipError(f"{name} holds no image: write the file again.")
        return row[0]

    def _choose(self, video: str | None) -> tuple[str, list[str]]:
        with _connection(self._path) as connection:
            videos = _videos(connection, self.file_name)
        if video is None:
            if len(videos) > 1:
                names = sorted(videos, key=natural_key)
                shown = ", ".join(names[:5]) + (f" and {len(names) - 5} more" if len(names) > 5 else "")
                raise ClipError(
                    f"{self.file_name} holds {len(videos)} videos ({shown}): choose one by "
                    f"{self.file_name}::{names[0]}."
                )
            video = next(iter(videos))
        matches = [name for name in videos if name == video.rstrip("/")] or [
            name for name in videos if name.startswith(video)
        ]
        if len(matches) != 1:
            raise ClipError(str(unknown_name(f"single video in {self.file_name}", video, videos)))
        return matches[0], videos[matches[0]]


@contextmanager
def _connection(path: Path) -> Iterator[sqlite3.Connection]:
    """Yield the file opened read-only; what is asked of it ends, for a view may compute for ever."""
    pauses = count(1)
    try:
        with closing(sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro", uri=True)) as connection:
            connection.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, MAX_BYTES)
            connection.set_progress_handler(lambda: next(pauses) > MAX_PAUSES, _STEPS)
            connection.execute("PRAGMA trusted_schema = OFF")
            yield connection
    except sqlite3.Error as error:
        if next(pauses) > MAX_PAUSES:
            raise ClipError(f"{path.name} computes its frames without end: write them into a table.") from error
        raise ClipError(
            f"{path.name} is not a file of frames ({error}): it must be an SQLite file "
            "with a table Images(ObjId TEXT, frames BLOB)."
        ) from error


def _videos(connection: sqlite3.Connection, file_name: str) -> dict[str, list[str]]:
    """Return the frames' identifiers by video; raises ClipError when there are none."""
    rows = connection.execute("SELECT ObjId FROM Images LIMIT ?", (MAX_ROWS + 1,)).fetchall()
    if len(rows) > MAX_ROWS:
        raise ClipError(f"{file_name} has more than {MAX_ROWS} frames: divide it into several files.")
    videos: dict[str, list[str]] = {}
    for identifier in (str(row[0]) for row in rows if row[0] is not None):
        videos.setdefault(_video_of(identifier), []).append(identifier)
    if not videos:
        raise ClipError(f"{file_name} holds no frames: fill its table Images(ObjId, frames).")
    return {video: in_order(identifiers) for video, identifiers in videos.items()}


def _video_of(identifier: str) -> str:
    folder, slash, _ = identifier.rpartition("/")
    return folder if slash else _NUMBER.sub("", identifier)
