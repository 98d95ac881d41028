"""Pictures in one file: gif, webp, png and avif animations, the pages of a tiff, and single images."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from reportgen.clips.source import Frame, check_dimensions, check_length, decoding
from reportgen.clips.stills import check_same_size
from reportgen.pictures import Picture, opened_picture, white_level

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
        self.frame_rate: float | None = None
        with self._opened() as picture:
            check_dimensions(path.name, picture.width, picture.height)
            self.count = picture.count
            check_length(path.name, self.count, picture.width, picture.height)
            if self.count > 1 and picture.timed:
                self._starts, duration = _starts(picture)
                self.frame_rate = self.count / duration

    def times(self) -> Sequence[float] | None:
        """Return when each frame begins in s, from the durations in the file; None for a single image."""
        return self._starts

    def read(self, indices: Sequence[int]) -> Iterator[Frame]:
        """Yield the frames of `indices`; raises ClipError when the file is damaged."""
        with self._opened() as picture:
            white = white_level(picture.peak(index) for index in indices) if picture.deep else 0
            size: tuple[int, int] | None = None
            for index in indices:
                with decoding(self.file_name):
                    frame = picture.frame(index, white)
                size = check_same_size(self.file_name, frame, size)
                yield frame

    @contextmanager
    def _opened(self) -> Iterator[Picture]:
        with decoding(self.file_name), opened_picture(self._path) as picture:
            yield picture


def _starts(picture: Picture) -> tuple[list[float], float]:
    """Return when each frame begins and when the last one ends, in s."""
    starts, clock = [], 0.0
    for index in range(picture.count):
        duration = picture.duration(index)
        starts.append(clock / 1000)
        clock += duration if duration >= _SHORTEST else _USUAL
    return starts, clock / 1000
