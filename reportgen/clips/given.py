"""What a path on the command line names: one clip, or those of a pattern, or those of a folder of videos."""

from __future__ import annotations

import glob
from collections.abc import Sequence
from pathlib import Path

from reportgen.clips.collection import find_clips
from reportgen.clips.database import find_database
from reportgen.clips.folder import image_series
from reportgen.clips.reading import SELECTOR
from reportgen.clips.series import natural_key
from reportgen.errors import ClipError, printable
from reportgen.wording import option

_SHOWN = 3


def named_clips(given: Sequence[str]) -> tuple[list[str], list[str], frozenset[str]]:
    """Return the paths that `given` ones name, what is to be said of it, and which of them may be no clips.

    A pattern that a shell left as it is (`'videos/*.mp4'`) is what it matches, in natural order. A folder of images, or
    with a `frames.db`, is one clip; another folder is every clip below it, and a file of it that cannot be read is no
    fault of whoever named the folder. Raises ClipError for a pattern that matches nothing.
    """
    found: list[str] = []
    notes: list[str] = []
    doubtful: set[str] = set()
    for path in given:
        for place in _matches(path, notes):
            inner = _within(Path(place))
            if inner:
                notes.append(f"{printable(Path(place).name)} is a folder of videos: {_count(len(inner))}.")
                doubtful.update(inner)
            found += inner or [place]
    return list(dict.fromkeys(found)), notes, frozenset(doubtful)


def _matches(path: str, notes: list[str]) -> list[str]:
    if Path(path).exists() or not glob.has_magic(path) or SELECTOR in path:
        return [path]
    found = sorted(glob.glob(path, recursive=True), key=natural_key)  # noqa: PTH207 (it may begin at the root)
    if not found:
        raise ClipError(f"The pattern {path} matches no clip: check the path.")
    notes.append(f"{printable(path)} stands for {_count(len(found))}.")
    return found


def _within(folder: Path) -> list[str]:
    """Return the clips below a folder that is no clip itself."""
    if not folder.is_dir() or find_database(folder) or image_series(folder):
        return []
    try:
        return [clip.path for clip in find_clips(folder, asked=option("--clip"))]
    except ClipError:
        return []  # reading it says what is missing


def _count(number: int) -> str:
    return "1 clip" if number == 1 else f"{number} clips"


def passed_over(faults: Sequence[str]) -> str:
    """Say which files of a folder were no clips."""
    shown = " ".join(faults[:_SHOWN])
    more = f" And {len(faults) - _SHOWN} more." if len(faults) > _SHOWN else ""
    return f"Passed over: {shown}{more}"
