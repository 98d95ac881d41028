"""What a summary shows, as files' bytes: frames side by side, and charts as drawings that need no other file."""

from __future__ import annotations

import base64

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from reportgen.media.encode import frames_of
from reportgen.outputs.model import FrameStrip
from reportgen.pictures import picture_bytes

LARGEST_SIDE = 160
"""px of a frame's longer side: on paper a frame is about 13 mm wide, which is 300 px an inch."""

_GAP = 2
_QUALITY = 88


def strip_pixels(strip: FrameStrip) -> NDArray[np.uint8]:
    """Return the frames of a strip side by side, `H W 3`, with a white gap between them.

    Raises StoreError when the file is damaged.
    """
    found = frames_of(strip.source, strip.frames, strip.height, strip.width)[list(strip.shown)]
    pictures = [_fitting(frame) for frame in found]
    if strip.fade < 1:
        pictures = [np.rint(255 - strip.fade * (255.0 - one)).astype(np.uint8) for one in pictures]
    gap = np.full((pictures[0].shape[0], _GAP * (len(pictures) > 1), 3), 255, np.uint8)
    parts = [part for picture in pictures for part in (gap, picture)]
    return np.concatenate(parts[1:], axis=1)


def _fitting(frame: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Return a frame made smaller where it is large, and larger by repeating pixels where it is small."""
    side = max(frame.shape[:2])
    if side > LARGEST_SIDE:
        image = Image.fromarray(frame)
        image.thumbnail((LARGEST_SIDE, LARGEST_SIDE), Image.Resampling.LANCZOS)
        return np.asarray(image)
    times = max(1, 64 // side)
    return frame.repeat(times, axis=0).repeat(times, axis=1)


def strip_address(strip: FrameStrip) -> str:
    """Return a strip as an address that holds the picture itself."""
    pixels = strip_pixels(strip)
    return address_of(picture_bytes(pixels, "JPEG", quality=_QUALITY, subsampling=0), "image/jpeg")


def address_of(content: bytes, media_type: str) -> str:
    """Return bytes as a ``data:`` address."""
    return f"data:{media_type};base64,{base64.b64encode(content).decode()}"
