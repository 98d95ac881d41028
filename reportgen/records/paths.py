"""Paths that documents name. A run may have come from anywhere: it reaches its own files, and nothing else.

Two walls stand one behind the other: the types below refuse a path when a document is read, and `inside` refuses
what lies at a good path and is no file of that folder (a link, a pipe, a device).
"""

from __future__ import annotations

import os
import stat
from pathlib import Path, PureWindowsPath
from typing import Annotated

from pydantic import AfterValidator, Field

from reportgen.errors import StoreError
from reportgen.records.os_errors import describe_read_error

MEDIA = "media"
LOGS = "logs"

# What a browser or mkdocs would take for a page or a program of the site.
_PAGES = (".md", ".markdown", ".mdown", ".mkdn", ".mkd", ".htm", ".html", ".shtml", ".mhtml", ".xhtml", ".xht")
_PROGRAMS = (".js", ".mjs", ".css", ".svg", ".svgz", ".xml", ".xsl")


def check_relative(path: str) -> str:
    """Return a posix path that stays inside the folder that it is relative to; raises ValueError for any other."""
    parts = path.split("/")
    # Only what has one of these signs has a drive of Windows: to ask that of a hundred thousand paths takes seconds.
    drive = (":" in path or "\\" in path) and PureWindowsPath(path).drive
    if path.startswith("/") or drive or ".." in parts:
        raise ValueError(f"{path!r} leads outside its folder")
    if not path or "\\" in path or not path.isprintable() or {"", "."} & set(parts):
        raise ValueError(f"{path!r} is no plain relative path")
    return path


def _check_media(path: str) -> str:
    parts = check_relative(path).split("/")
    if parts[0] != MEDIA or len(parts) < 2 or any(part.startswith(".") for part in parts):
        raise ValueError(f"{path!r} does not lie in the run's folder {MEDIA}")
    if parts[-1].lower().endswith(_PAGES + _PROGRAMS):
        raise ValueError(f"{path!r} would be a page or a program of the site")
    return path


def _check_log(path: str) -> str:
    parts = check_relative(path).split("/")
    if parts[0] != LOGS or len(parts) < 2 or not path.endswith(".txt") or any(part.startswith(".") for part in parts):
        raise ValueError(f"{path!r} is no text file of the run's folder {LOGS}")
    return path


def _check_file_name(name: str) -> str:
    if "/" in check_relative(name):
        raise ValueError(f"{name!r} is no bare file name")
    return name


MediaPath = Annotated[str, AfterValidator(_check_media)]
"""A file of a run: below `media`, not hidden, and nothing that a site would run."""

LogPath = Annotated[str, AfterValidator(_check_log)]
"""A worker's log: a text file of a run, below `logs`."""

FileName = Annotated[str, AfterValidator(_check_file_name)]
"""A file's bare name."""

JobKey = Annotated[str, Field(pattern=r"^[0-9A-Za-z_-]+$", max_length=80)]
"""A job's key: the stem of its record's file."""


def inside(folder: Path, relative: str) -> Path:
    """Return the place of `relative` below `folder`, whether or not there is a file.

    Raises StoreError where it would leave the folder, where something on the way is a link or no folder, or where
    what is there is no regular file. Links above `folder` are the user's own.
    """
    try:
        parts = check_relative(relative).split("/")
    except ValueError as error:
        raise StoreError(f"{folder} names a file that it must not: {error}; compute it again.") from error
    place = str(folder)
    for number, part in enumerate(parts, start=1):
        place = os.path.join(place, part)  # noqa: PTH118 (a hundred thousand of them)
        try:
            mode = os.lstat(place).st_mode
        except FileNotFoundError:
            break
        except OSError as error:
            raise StoreError(describe_read_error(error, place)) from error
        if stat.S_ISLNK(mode):
            raise StoreError(f"{place} is a link, and may lead anywhere: put the file itself there.")
        if number < len(parts) and not stat.S_ISDIR(mode):
            raise StoreError(f"{place} is a file where a folder belongs: remove it.")
        if number == len(parts) and not stat.S_ISREG(mode):
            raise StoreError(f"{place} is no regular file: remove it.")
    return folder / relative
