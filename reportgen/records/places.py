"""Folders that must not lie in one another (a site is written over, runs are read, and both may be cleaned away), and
the user's cache folder.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable
from pathlib import Path

from reportgen.errors import OptionError
from reportgen.wording import option


def check_apart(
    runs: Iterable[Path],
    site: Path,
    build: Path,
    written: str = "the site",
    flags: tuple[str, str] = ("--runs", "--site"),
) -> None:
    """Raise OptionError when the runs, the site and the folder of its intermediate files are not apart.

    `written` is what the error calls the site, and `flags` are the options that name other places. Links are followed,
    and upper and lower case are the same where the file system says so. `runs` are runs' folders or folders of runs;
    what lies directly in them is looked at too, for it may be a link.
    """
    named = [(written, site), ("the build folder", build)]
    for folder in dict.fromkeys(runs):
        named += [("the runs", path) for path in (folder, *_linked(folder))]
    for position, (what, path) in enumerate(named):
        for other, place in named[:position]:
            if what == other:
                continue
            if _contains(place, path):
                raise OptionError(_sentence(what, path, other, place, flags))
            if _contains(path, place):
                raise OptionError(_sentence(other, place, what, path, flags))


def _sentence(inner: str, path: Path, outer: str, place: Path, flags: tuple[str, str]) -> str:
    apart = " and ".join(map(option, flags))
    return f"{inner[:1].upper()}{inner[1:]} ({path}) must not lie in {outer} ({place}): keep them apart by {apart}."


def _linked(folder: Path) -> list[Path]:
    try:
        return [path for path in folder.iterdir() if path.is_symlink()]
    except OSError:
        return []


def _contains(outer: Path, inner: Path) -> bool:
    """Whether `inner` is `outer` or lies in it; neither need exist."""
    outer, inner = resolved(outer), resolved(inner)
    if inner.is_relative_to(outer):
        return True
    try:
        there = outer.stat()
    except OSError:
        return False
    for path in (inner, *inner.parents):
        try:
            here = path.stat()
        except OSError:
            continue
        if (here.st_dev, here.st_ino) == (there.st_dev, there.st_ino):
            return True
    return False


def resolved(path: Path) -> Path:
    """Return where a path leads through all links; raises OptionError for a link that leads to itself."""
    try:
        return path.resolve()
    except (OSError, RuntimeError) as error:
        raise OptionError(f"{path} is a link that leads nowhere: name another folder.") from error


def cache_folder() -> Path:
    """Return reportgen's folder in the platform's cache folder of the user."""
    return _platform_folder() / "reportgen"


def _platform_folder() -> Path:
    chosen = os.environ.get("XDG_CACHE_HOME")
    if chosen and Path(chosen).is_absolute():  # the XDG specification says to ignore relative ones
        return Path(chosen)
    if sys.platform == "win32" and "LOCALAPPDATA" in os.environ:
        return Path(os.environ["LOCALAPPDATA"])
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Caches"
    return Path.home() / ".cache"
