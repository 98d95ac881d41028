"""Frames that lie in a picture each: files of a folder, rows of a database."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from reportgen.clips.source import Frame, check_dimensions, decoding
from reportgen.errors import ClipError
from reportgen.pictures import Picture, opened_picture, white_level


class StillsSource:
    """Frames in a picture each, all of one size; those of more than 8 bits are as bright as their depth lets them be.

    That depth is the least that holds the brightest of the frames that are read together.
    """

    frame_rate: float | None = None

    def times(self) -> None:
        """Return None: images have no times."""
        return None

    def read(self, indices: Sequence[int]) -> Iterator[Frame]:
        """Yield the images of `indices`; raises ClipError for one that is damaged or of another size."""
        white: int | None = None
        size: tuple[int, int] | None = None
        for index in indices:
            with self._opened(index) as (name, picture):
                if picture.deep and white is None:
                    white = white_level(self._peaks(indices))
                frame = picture.frame(0, white or 0)
            size = check_same_size(name, frame, size)
            yield frame

    def _peaks(self, indices: Sequence[int]) -> Iterator[int]:
        for index in indices:
            with self._opened(index) as (_, picture):
                if picture.deep:
                    yield picture.peak(0)

    @contextmanager
    def _opened(self, index: int) -> Iterator[tuple[str, Picture]]:
        name, file = self._file(index)
        with decoding(name), opened_picture(file) as picture:
            check_dimensions(name, picture.width, picture.height)
            yield name, picture

    def _file(self, index: int) -> tuple[str, Path | BinaryIO]:
        """Return what a person calls a picture, and its file."""
        raise NotImplementedError


def check_same_size(name: str, frame: Frame, expected: tuple[int, int] | None) -> tuple[int, int]:
    """Return the frame's width and height; raises ClipError when the frames before had others."""
    size = frame.shape[1], frame.shape[0]
    if expected is not None and size != expected:
        raise ClipError(
            f"{name} is {size[0]} x {size[1]} px and the frames before it are {expected[0]} x {expected[1]}: "
            "keep the images of one video only, all of one size."
        )
    return size
