"""What every form of clip has in common: numbered frames that are read one at a time."""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Protocol

import numpy as np
from numpy.typing import NDArray
from PIL import Image, UnidentifiedImageError

from reportgen.errors import ClipError

Frame = NDArray[np.uint8]
"""A frame H W 3, RGB, upright."""

MAX_PIXELS = 2**26
"""Largest frame that is decoded: 64 Mpx, twice that of 8K video."""

MAX_SIDE = 2**15
"""Longest side of a frame that is decoded, in px."""

MAX_LENGTH = 2**32
"""Pixels of all frames of an animation together: 2,000 frames of HD video. Its durations are found by decoding it."""


MAX_FILE = 2**36
"""Bytes of a clip's file: 64 GiB, some hours of uncompressed HD video."""


class Source(Protocol):
    """Frames 0 to `count` - 1 of a clip.

    `title` is what a person calls the clip, `file_name` what its file or folder is called. `frame_rate` is in
    frames/s, and None for images, which have no times.
    """

    title: str
    file_name: str
    count: int
    frame_rate: float | None

    def times(self) -> Sequence[float] | None:
        """Return when each frame begins, in s from the first one; None when frames have no times."""
        ...

    def read(self, indices: Sequence[int]) -> Iterator[Frame]:
        """Yield the frames of `indices` (ascending, without repeats); raises ClipError."""
        ...


def check_dimensions(name: str, width: int, height: int) -> None:
    """Raise ClipError for a frame that is empty, or so large that decoding it would exhaust memory."""
    if width < 1 or height < 1 or width > MAX_SIDE or height > MAX_SIDE or width * height > MAX_PIXELS:
        raise ClipError(
            f"{name} claims frames of {width} x {height} px, beyond what is read "
            f"({MAX_SIDE} px a side, {MAX_PIXELS >> 20} Mpx): scale it down first."
        )


def check_length(name: str, count: int, width: int, height: int) -> None:
    """Raise ClipError for an animation whose frames have so many pixels together that reading it would not end."""
    if count * width * height > MAX_LENGTH:
        raise ClipError(
            f"{name} claims {count} frames of {width} x {height} px, beyond what is read of an animation "
            f"({MAX_LENGTH >> 20} Mpx in all): cut or scale it, or make it a video."
        )


@contextmanager
def decoding(name: str) -> Iterator[None]:
    """Turn every way in which Pillow says that an image is bad into a ClipError about `name`."""
    try:
        with warnings.catch_warnings():
            # Pillow warns of files that it then reads only in part; a clip is read whole or not at all.
            warnings.simplefilter("error")
            yield
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise ClipError(f"{name} claims more pixels than {MAX_PIXELS >> 20} Mpx: scale it down first.") from error
    except UnidentifiedImageError as error:
        raise ClipError(f"{name} is not an image that can be read: convert it to PNG or JPEG, or remove it.") from error
    except (OSError, ValueError, SyntaxError, EOFError, IndexError, TypeError, Warning) as error:
        raise ClipError(f"{name} is damaged ({_first_line(error)}): copy or export it again.") from error


def _first_line(error: BaseException) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0].rstrip(".") or type(error).__name__
