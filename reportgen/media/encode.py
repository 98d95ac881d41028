"""Frames T H W 3 uint8 into the bytes of WebP, GIF and PNG files."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from reportgen.pictures import picture_bytes
from reportgen.records.jobs import SPRITE_COLUMNS

Frames = NDArray[np.uint8]

FRAME_MS = 100
"""How long a GIF shows each frame: 10 frames/s, as on the pages."""

LOSSLESS_SIDE = 128
"""Frames up to this many px a side are kept without loss: pages enlarge them, and loss would show."""

_ROW_GAP, _ROW_GREY = 4, 0x8A
"""Between the pictures of a row: px, and a grey that is neither a page's light nor its dark ground."""

_WEBP_LIMIT = 16383
_POSTER_SIDE = 160
_PREVIEW_SIDE = 128


def to_uint8(pixels: NDArray[Any]) -> NDArray[np.uint8]:
    """Return pixels `... C` in [0, 1] (C is 1 or 3; clipped) as `... 3` uint8; raises ValueError for others.

    uint8 pixels are taken as they are.
    """
    if pixels.ndim < 3 or pixels.shape[-1] not in (1, 3) or 0 in pixels.shape:
        raise ValueError(f"pixels must be ... H W C with C 1 or 3, got {pixels.shape}")
    if pixels.dtype != np.uint8:
        if not np.isfinite(pixels).all():
            raise ValueError("pixels must be finite")
        pixels = np.rint(np.clip(pixels, 0, 1) * 255).astype(np.uint8)
    return np.ascontiguousarray(np.broadcast_to(pixels, (*pixels.shape[:-1], 3)))


def check_frames(frames: NDArray[Any]) -> Frames:
    """Return frames `T H W C` as `T H W 3` uint8; raises ValueError for other shapes."""
    if frames.ndim != 4:
        raise ValueError(f"frames must be T H W C, got {frames.shape}")
    return to_uint8(frames)


def sprite_size(count: int, height: int, width: int) -> tuple[int, int]:
    """Return a frame's height and width in a sprite: its own, or smaller where WebP could not hold the grid."""
    columns, rows = _grid(count)
    scale = min(1.0, _WEBP_LIMIT / (columns * width), _WEBP_LIMIT / (rows * height))
    return max(1, math.floor(height * scale)), max(1, math.floor(width * scale))


def sprite_bytes(frames: Frames) -> bytes:
    """Return the sprite of frames `T H W 3` as WebP; the package's docstring describes its layout."""
    height, width = sprite_size(*frames.shape[:3])
    return _webp(_laid_out(frames, height, width), lossless=max(height, width) <= LOSSLESS_SIDE)


def preview_bytes(frames: Frames) -> tuple[bytes, int, int]:
    """Return a small, lossy sprite of frames `T H W 3` as WebP, with the height and width of its frames."""
    height, width = sprite_size(*frames.shape[:3])
    scale = min(1.0, _PREVIEW_SIDE / max(height, width))
    height, width = max(1, round(height * scale)), max(1, round(width * scale))
    return _webp(_laid_out(frames, height, width), lossless=False, quality=50), height, width


def _laid_out(frames: Frames, height: int, width: int) -> NDArray[np.uint8]:
    """Return frames `T H W 3`, made as large as is said, side by side in one picture."""
    if (height, width) != frames.shape[1:3]:
        frames = np.stack([np.asarray(Image.fromarray(f).resize((width, height))) for f in frames])
    columns, rows = _grid(len(frames))
    cells = np.zeros((rows * columns, height, width, 3), np.uint8)
    cells[: len(frames)] = frames
    grid = cells.reshape(rows, columns, height, width, 3).swapaxes(1, 2)
    return grid.reshape(rows * height, columns * width, 3)


def poster_bytes(frame: NDArray[np.uint8]) -> tuple[bytes, int, int]:
    """Return a frame H W 3, made smaller if it is large, as WebP with its height and width."""
    image = Image.fromarray(frame)
    image.thumbnail((_POSTER_SIDE, _POSTER_SIDE), Image.Resampling.BILINEAR)
    return _webp(np.asarray(image), lossless=False, quality=80), image.height, image.width


def row_bytes(pictures: Sequence[NDArray[np.uint8]], height: int | None = None) -> tuple[bytes, int, int]:
    """Return pictures H W 3 side by side, a little apart, as one WebP with its height and width.

    Each is made `height` px high, or as high as the first one; smaller ones by repeating pixels.
    """
    height = height or pictures[0].shape[0]
    gap = np.full((height, _ROW_GAP, 3), _ROW_GREY, np.uint8)
    parts = [part for picture in pictures for part in (gap, _as_high(picture, height))]
    row = np.concatenate(parts[1:], axis=1)
    return _webp(row, lossless=False, quality=90 if len(pictures) == 1 else 80), *row.shape[:2]


def _as_high(picture: NDArray[np.uint8], height: int) -> NDArray[np.uint8]:
    if picture.shape[0] == height:
        return picture
    width = max(1, round(picture.shape[1] * height / picture.shape[0]))
    kind = Image.Resampling.NEAREST if picture.shape[0] < height else Image.Resampling.LANCZOS
    return np.asarray(Image.fromarray(picture).resize((width, height), kind))


def png_bytes(pixels: NDArray[np.uint8]) -> bytes:
    """Return a picture H W 3, or H W 4 with alpha, as PNG."""
    return picture_bytes(pixels, "PNG")


def gif_bytes(frames: Frames) -> bytes:
    """Return frames `T H W 3` as a GIF that plays without end.

    Each frame has its own palette: its colours where these are at most 256, and otherwise their median cut. Frames that
    equal the one before are shown as its longer duration.
    """
    return picture_bytes(frames, "GIF", duration=FRAME_MS, loop=0, optimize=False, disposal=1)


def _grid(count: int) -> tuple[int, int]:
    columns = min(count, SPRITE_COLUMNS)
    return columns, math.ceil(count / columns)


def _webp(pixels: NDArray[np.uint8], *, lossless: bool, quality: int = 90) -> bytes:
    if lossless:
        # For lossless files `quality` is the effort: more of it is several times slower for a few per cent.
        return picture_bytes(pixels, "WEBP", lossless=True, quality=20, method=1)
    return picture_bytes(pixels, "WEBP", quality=quality, method=4)
