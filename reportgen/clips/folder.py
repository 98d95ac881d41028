"""A folder of images, one per frame: one series of numbered names, or one of several."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from reportgen.clips.series import split_series
from reportgen.clips.stills import StillsSource
from reportgen.errors import ClipError, unknown_name

IMAGE_SUFFIXES = frozenset(
    {".jpg", ".jpeg", ".png", ".bmp", ".webp", ".avif", ".tif", ".tiff", ".ppm", ".pgm", ".gif"},
)

MAX_ENTRIES = 2**20
"""Entries of a folder that are looked at."""


class FolderSource(StillsSource):
    """The images of a folder, or of one series of them, in the order of their numbers.

    `series` chooses one where there are several, as `img_*.jpg`; the beginning of its name is enough when it is unique.
    """

    def __init__(self, folder: Path, series: str | None = None) -> None:
        self.title = self.file_name = folder.resolve().name
        found = image_series(folder)
        if not found:
            raise ClipError(_nothing_in(folder))
        name = _choose(self.file_name, found, series)
        if len(found) > 1:
            self.title = f"{self.title} {series_title(name)}"
        self._files = [folder / member for member in found[name]]
        self.count = len(self._files)

    def _file(self, index: int) -> tuple[str, Path]:
        path = self._files[index]
        return path.name, path


def image_series(folder: Path) -> dict[str, list[str]]:
    """Return the names of the images in a folder by series; hidden files are none. Raises ClipError for too many."""
    names = [path.name for path in entries(folder) if path.suffix.lower() in IMAGE_SUFFIXES and _is_plain(path)]
    return split_series(names)


def entries(folder: Path) -> Iterator[Path]:
    """Yield what is in a folder; raises ClipError when there is so much that no clip can be meant."""
    for number, path in enumerate(folder.iterdir()):
        if number == MAX_ENTRIES:
            raise ClipError(f"The folder {folder.name} has more than {MAX_ENTRIES} entries: name a folder of one clip.")
        yield path


def series_title(name: str) -> str:
    """Return a series' name as a title: `img_*.jpg` without what stands for the number and behind it."""
    return name.partition("*")[0].rstrip("_-. ") or name


def _choose(folder: str, found: dict[str, list[str]], series: str | None) -> str:
    if series is None and len(found) > 1:
        shown = ", ".join(list(found)[:5]) + (f" and {len(found) - 5} more" if len(found) > 5 else "")
        first = next(iter(found))
        raise ClipError(
            f"The folder {folder} holds {len(found)} series of images ({shown}): choose one by '{folder}::{first}'."
        )
    matches = [name for name in found if name == series] or [name for name in found if name.startswith(series or "")]
    if len(matches) != 1:
        raise ClipError(str(unknown_name(f"single series in the folder {folder}", series or "", found)))
    return matches[0]


def _is_plain(path: Path) -> bool:
    return path.is_file() and not path.name.startswith(".")


def _nothing_in(folder: Path) -> str:
    name = folder.resolve().name
    inner = sorted(path.name for path in entries(folder) if path.is_dir() and not path.name.startswith("."))
    if inner:
        shown = ", ".join(inner[:5]) + (f" and {len(inner) - 5} more" if len(inner) > 5 else "")
        return f"The folder {name} holds no images itself: name one of its folders ({shown})."
    return f"The folder {name} holds no images: put the frames there as {', '.join(sorted(IMAGE_SUFFIXES)[:5])} ..."
