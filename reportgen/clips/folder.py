"""A folder of images, one per frame."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from pathlib import Path

from reportgen.clips.source import Frame, check_dimensions, decoding
from reportgen.errors import ClipError
from reportgen.pictures import opened_picture

IMAGE_SUFFIXES = frozenset(
    {".jpg", ".jpeg", ".png", ".bmp", ".webp", ".avif", ".tif", ".tiff", ".ppm", ".pgm", ".gif"},
)


def natural_key(text: str) -> tuple[tuple[int, int, str], ...]:
    """Return a sort key that puts frame_2 before frame_10."""
    parts = re.findall(r"[0-9]+|[^0-9]+", text)
    return tuple((0, int(part), part) if part.isdecimal() else (1, 0, part.casefold()) for part in parts)


class FolderSource:
    """The images of a folder in the natural order of their names."""

    def __init__(self, folder: Path) -> None:
        self.title = self.file_name = folder.resolve().name
        self.frame_rate: float | None = None
        self._files = sorted(
            (path for path in folder.iterdir() if path.suffix.lower() in IMAGE_SUFFIXES and _is_plain(path)),
            key=lambda path: natural_key(path.name),
        )
        self.count = len(self._files)
        if not self._files:
            raise ClipError(_nothing_in(folder))

    def times(self) -> None:
        """Return None: images have no times."""
        return None

    def read(self, indices: Sequence[int]) -> Iterator[Frame]:
        """Yield the images of `indices`; raises ClipError for one that is damaged or of another size."""
        size: tuple[int, int] | None = None
        for index in indices:
            path = self._files[index]
            with decoding(path.name), opened_picture(path) as picture:
                check_dimensions(path.name, picture.width, picture.height)
                frame = picture.frame(0)
            size = check_same_size(path.name, frame, size)
            yield frame


def check_same_size(name: str, frame: Frame, expected: tuple[int, int] | None) -> tuple[int, int]:
    """Return the frame's width and height; raises ClipError when the frames before had others."""
    size = frame.shape[1], frame.shape[0]
    if expected is not None and size != expected:
        raise ClipError(
            f"{name} is {size[0]} x {size[1]} px and the frames before it are {expected[0]} x {expected[1]}: "
            "keep the images of one video only, all of one size."
        )
    return size


def _is_plain(path: Path) -> bool:
    return path.is_file() and not path.name.startswith(".")


def _nothing_in(folder: Path) -> str:
    name = folder.resolve().name
    inner = sorted(path.name for path in folder.iterdir() if path.is_dir() and not path.name.startswith("."))
    if inner:
        shown = ", ".join(inner[:5]) + (f" and {len(inner) - 5} more" if len(inner) > 5 else "")
        return f"The folder {name} holds no images itself: name one of its folders ({shown})."
    return f"The folder {name} holds no images: put the frames there as {', '.join(sorted(IMAGE_SUFFIXES)[:5])} ..."
