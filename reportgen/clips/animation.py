"""Pictures in one file: gif, webp, png and avif animations, and single images."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from PIL import Image

from reportgen.clips.source import check_dimensions, decoding, upright
from reportgen.errors import ClipError
from reportgen.pictures import open_picture

_ANIMATED = frozenset({"GIF", "WEBP", "PNG", "AVIF"})
_SHORTEST = 20
_USUAL = 100
"""Viewers show a frame of less than 20 ms, such as 0, for 100 ms."""


class AnimationSource:
    """The frames of an animation as a viewer shows them (disposal and transparency applied), or one image."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self.file_name = path.name
        self.title = path.stem
        self._starts: list[float] | None = None
        with self._opened() as image, decoding(path.name):
            check_dimensions(path.name, *image.size)
            self.count = getattr(image, "n_frames", 1) if image.format in _ANIMATED else 1
            if self.count > 1:
                self._starts, duration = _starts(image, self.count)
                self.frame_rate: float | None = self.count / duration
            else:
                self.frame_rate = None

    def times(self) -> Sequence[float] | None:
        """Return when each frame begins in s, from the durations in the file; None for a single image."""
        return self._starts

    def read(self, indices: Sequence[int]) -> Iterator[Image.Image]:
        """Yield the frames of `indices`; raises ClipError when the file is damaged."""
        with self._opened() as image:
            for index in indices:
                with decoding(self.file_name):
                    if self.count > 1:
                        _seek(image, index)
                    frame = upright(image)
                yield frame

    def _opened(self) -> Image.Image:
        with decoding(self.file_name):
            return open_picture(self._path)


def _seek(image: Image.Image, index: int) -> None:
    try:
        image.seek(index)
    except EOFError as error:
        raise ClipError(f"{image.filename} ends before frame {index}: copy or export it again.") from error  # type: ignore[attr-defined]


def _starts(image: Image.Image, count: int) -> tuple[list[float], float]:
    """Return when each frame begins and when the last one ends, in s."""
    starts, clock = [], 0.0
    for index in range(count):
        _seek(image, index)
        image.load()
        duration = float(image.info.get("duration", 0))
        starts.append(clock / 1000)
        clock += duration if duration >= _SHORTEST else _USUAL
    return starts, clock / 1000
