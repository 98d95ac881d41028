"""All clips below a folder, as what `read_clip` takes: found by name and listed, none of them decoded."""

from __future__ import annotations

import hashlib
import os
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Literal

from reportgen.clips.database import FILE_NAME, is_database, video_names
from reportgen.clips.folder import IMAGE_SUFFIXES, entries, image_series, series_title
from reportgen.clips.reading import SELECTOR
from reportgen.clips.series import natural_key
from reportgen.clips.source import MAX_FILE
from reportgen.errors import ClipError, printable
from reportgen.wording import option

Pictures = Literal["frames", "outside", "alone"]
"""What pictures in a folder are: the frames of one clip, or clips of their own (in the outermost folder, or in all)."""

_ANIMATIONS = frozenset({".gif", ".webp", ".avif"})
_STILLS = IMAGE_SUFFIXES - _ANIMATIONS
_NOT_READ = "not read"
_BLOCK = 1 << 20


@dataclass(frozen=True)
class FoundClip:
    """A clip below a folder: `path` is what `read_clip` takes.

    `title` is the file's name without its suffix (a folder's, for a folder of frames); `folders` are the names of
    the folders that it lies in below the one that was searched, the outermost first.
    """

    path: str
    title: str
    folders: tuple[str, ...]

    def digest(self) -> str:
        """Return the digest of the clip's bytes and names below the searched folder, read in pieces.

        A file that cannot be read has a digest of that: it changes when the file can.
        """
        files, video = self._files()
        whole = hashlib.sha256("/".join((*self.folders, self.title, video)).encode(errors="surrogateescape"))
        for file in files:
            whole.update(f"\n{file.name} {_file_digest(file)}".encode(errors="surrogateescape"))
        return whole.hexdigest()

    def contents(self) -> tuple[str, ...] | None:
        """Return what two copies of a clip have in common, whatever their names; None where it cannot be read."""
        files, video = self._files()
        digests = [_file_digest(file) for file in files]
        return None if any(found.startswith(_NOT_READ) for found in digests) else (video, *digests)

    def _files(self) -> tuple[list[Path], str]:
        """Return the files that a clip lies in, and its name in an SQLite file of several or in a folder of series."""
        whole = SELECTOR not in self.path or Path(self.path).exists()
        place, _, part = (self.path, "", "") if whole else self.path.rpartition(SELECTOR)
        return (_plain_files(Path(place)) if Path(place).is_dir() else [Path(place)]), part


def find_clips(folder: Path, *, asked: str = option("--reference"), pictures: Pictures = "frames") -> list[FoundClip]:
    """Return every clip below `folder`, in the natural order of their names.

    A folder whose files are all still pictures is one clip of these frames, or one for each series of them; so is every
    video in an SQLite file of frames, and every other file by itself, readable or not. Hidden files and folders are
    passed over, links are followed once. `pictures` says otherwise of folders of pictures: "alone" has each picture of
    every folder as a clip of its own, "outside" those of `folder` itself. Raises ClipError, which names what `asked`
    for the folder, when there is no such folder, it cannot be listed, or nothing is in it.
    """
    if not folder.is_dir():
        there = f"{folder} is no folder" if folder.exists() else f"There is no folder {folder}"
        raise ClipError(f"{there}: check the path of {asked}.")
    try:
        found = list(_walk(folder, (), set(), pictures))
    except OSError as error:
        raise ClipError(f"Cannot list {error.filename or folder}: {error.strerror or error}.") from error
    if not found:
        raise ClipError(f"The folder {folder} holds no files: put the clips of {asked} there.")
    return found


class Copies:
    """Which of the clips that come one after the other are copies of earlier ones: they are no further evidence."""

    def __init__(self) -> None:
        self.count = 0
        self._seen: set[tuple[str, ...]] = set()

    def among(self, clip: FoundClip, label: int | None) -> bool:
        """Whether a clip was met before under the same label; one that cannot be read is no copy."""
        contents = clip.contents()
        if contents is None:
            return False
        known = (str(label), *contents)
        is_copy = known in self._seen
        self.count += is_copy
        self._seen.add(known)
        return is_copy

    def in_words(self, of: int, place: str) -> str:
        """Return how many there were, for the reader; empty without any."""
        if not self.count:
            return ""
        verb = "is a copy of another" if self.count == 1 else "are copies of others"
        return f"{self.count} of {of} clips in {place} {verb} and left out: a clip counts once."


def found_file(file: Path) -> list[FoundClip]:
    """Return the clips of one file: itself, or the videos of an SQLite file of frames."""
    return list(_in_file(file, ()))


def _walk(folder: Path, folders: tuple[str, ...], seen: set[Path], pictures: Pictures) -> Iterator[FoundClip]:
    if folder.resolve() in seen:
        return
    seen.add(folder.resolve())
    files = _plain_files(folder)
    framed = pictures == "frames" or (pictures == "outside" and folders != ())
    if framed and files and all(file.suffix.lower() in _STILLS for file in files):
        series = image_series(folder)
        for name in series if len(series) > 1 else ():
            title = f"{folder.resolve().name} {series_title(name)}"
            yield FoundClip(f"{folder}{SELECTOR}{name}", printable(title), folders[:-1])
        if len(series) == 1:
            yield FoundClip(str(folder), printable(folder.resolve().name), folders[:-1])
    else:
        for file in files:
            yield from _in_file(file, folders)
    inner = (path for path in entries(folder) if path.is_dir() and not path.name.startswith("."))
    for path in sorted(inner, key=lambda path: natural_key(path.name)):
        yield from _walk(path, (*folders, printable(path.name)), seen, pictures)


def _in_file(file: Path, folders: tuple[str, ...]) -> Iterator[FoundClip]:
    try:
        videos = video_names(file) if file.stat().st_size and is_database(file) else []
    except (ClipError, OSError):
        videos = []  # reading the clip will say what is wrong with the file
    for video in videos:
        *outer, title = video.split("/")
        yield FoundClip(f"{file}{SELECTOR}{video}", title or printable(file.stem), (*folders, *outer))
    if not videos:
        title = file.stem if file.name != FILE_NAME else file.parent.name
        yield FoundClip(str(file), printable(title), folders)


def _plain_files(folder: Path) -> list[Path]:
    files = (path for path in entries(folder) if not path.name.startswith(".") and not path.is_dir())
    return sorted(files, key=lambda path: natural_key(path.name))


def _file_digest(file: Path) -> str:
    try:
        facts = file.stat()
        if not stat.S_ISREG(facts.st_mode):
            return f"{_NOT_READ}: no regular file"  # a pipe would wait for its writer, a device may have no end
        if facts.st_size > MAX_FILE:
            return f"{_NOT_READ}: too long"
        return _known_digest(file, facts.st_size, facts.st_mtime_ns)
    except OSError as error:
        return f"{_NOT_READ}: {os.strerror(error.errno) if error.errno else error}"


@lru_cache(maxsize=1024)
def _known_digest(file: Path, size: int, modified: int) -> str:  # noqa: ARG001 (part of what is known)
    """Return the digest of a file's bytes: the videos of one SQLite file, and a clip and its copies, need it once.

    No more is read than its `size` says: one that grows, or that the system makes while it is read, may have no end.
    """
    digest = hashlib.sha256()
    with file.open("rb") as opened:
        while size > 0 and (block := opened.read(min(size, _BLOCK))):
            digest.update(block)
            size -= len(block)
    return digest.hexdigest()
