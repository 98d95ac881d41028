"""Frames T H W 3 uint8 into the bytes of AVIF, WebP, GIF and PNG files.

Sprites and pictures are AVIF with full colour resolution (4:4:4). At equal size its error on synthetic clips is that of
WebP, and 3 to 5 dB less on real clips, maps and motion: of their colours WebP keeps every second pixel. The encoder is
told to keep the mean square error low, and not to look well by its own judgement: that spent most where little was
wrong, and left clips of a large network at 26 dB with a tenth more bytes. In clips it looks for what is shown more than
once, as it does unasked in screenshots alone, in blocks of at most 16 px, which it finds again far more often than
larger ones: to clips of a small network that alone gives a tenth to a fifth less bytes at a little less error, to
those of a large one less than half the bytes, in twice the time. The ways to predict a block from its neighbours that
are left out cost time and gave less than a hundredth. Blocks of few colours are kept as palettes: of sharp stripes that
leaves out 29% of the bytes and 2.8 dB of the error, of real clips nothing. Maps and motion in colours gain nothing.

Clips that were made from nothing, posters of clips and maps, and single pictures are as coarse as `LEAST_SIMILARITY` to
them allows (``python -m benchmarks.media``).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from reportgen.errors import StoreError
from reportgen.media.similarity import similarity
from reportgen.pictures import opened_picture, picture_bytes
from reportgen.records.jobs import SPRITE_COLUMNS

Frames = NDArray[np.uint8]

FRAME_MS = 100
"""How long a GIF shows each frame: 10 frames/s, as on the pages."""

QUALITY = 50
"""Of sprites and pictures."""

FINE_QUALITY = 60
"""Of the clips that a report is about: few, and all else is seen beside them."""

FINE_SPEED = 7
"""Of the encoder for these clips: 5 takes 1.8 times as long for a tenth less bytes."""

_QUALITIES = (30, 40, 45, 50, FINE_QUALITY)
"""Of clips that were made from nothing, posters of clips and maps, and single pictures, the coarsest first.

The fine noise of such clips would take most of a site's bytes.
"""

LEAST_SIMILARITY = 0.95
"""Structural similarity of these to what pages show of them.

Of less they are encoded finer, up to `FINE_QUALITY`.
"""

MOTION_QUALITY = 30
"""Of motion in colours: what is left out are differences from pixel to pixel that no clip bears out."""

_PREVIEW_QUALITY = 40

PREVIEW_SPEED = 9
"""Of the encoder, for there are hundreds of previews: 8 takes 2.4 times as long for a fifth less bytes."""

_UNHURRIED = 1 << 20
"""Pixels up to which a picture gets the slower encoder."""

REPEATED = {
    "tune-content": "screen",
    "max-partition-size": "16",
    **dict.fromkeys(("enable-rect-partitions", "enable-directional-intra", "enable-filter-intra"), "0"),
}
"""What the encoder is told of pictures that show things more than once."""

_ROW_GAP, _ROW_GREY = 4, 0x8A
"""Between the pictures of a row: px, and a grey that is neither a page's light nor its dark ground."""

_MOST_SIDE = 16383
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
    """Return a frame's height and width in a sprite: its own, or smaller where browsers could not hold the grid."""
    columns, rows = _grid(count)
    scale = min(1.0, _MOST_SIDE / (columns * width), _MOST_SIDE / (rows * height))
    return max(1, math.floor(height * scale)), max(1, math.floor(width * scale))


def sprite_bytes(frames: Frames, quality: int = QUALITY, *, repeated: bool = False, speed: int | None = None) -> bytes:
    """Return the sprite of frames `T H W 3`, or `T H W 4` with alpha, as AVIF; see the package for its layout.

    `repeated` frames, those of a clip, show many things more than once.
    """
    height, width = sprite_size(*frames.shape[:3])
    return _avif(side_by_side(frames, height, width), quality, repeated=repeated, speed=speed)


def clip_bytes(frames: Frames) -> bytes:
    """Return the sprite of a clip `T H W 3` that was made from nothing, as coarse as `LEAST_SIMILARITY` allows."""
    return _coarsest(side_by_side(frames, *sprite_size(*frames.shape[:3])))


def frames_of(sprite: Path, count: int, height: int, width: int) -> Frames:
    """Return the frames `T H W 3` of a sprite, over grey where it has alpha.

    Raises StoreError when the file is damaged or holds fewer frames.
    """
    columns, rows = _grid(count)
    try:
        with opened_picture(sprite) as picture:
            pixels = picture.frame(0)
    except Exception as error:  # whatever Pillow raises for a bad file
        raise StoreError(f"{sprite} is damaged ({error}): compute it again.") from error
    if pixels.shape != (rows * height, columns * width, 3):
        raise StoreError(f"{sprite} is damaged (it is no sprite of {count} frames): compute it again.")
    cells = pixels.reshape(rows, height, columns, width, 3).swapaxes(1, 2)
    return np.ascontiguousarray(cells.reshape(rows * columns, height, width, 3)[:count])


def preview_bytes(frames: Frames) -> tuple[bytes, int, int]:
    """Return a small sprite of frames `T H W 3`, of lower quality, with the height and width of its frames."""
    height, width = sprite_size(*frames.shape[:3])
    scale = min(1.0, _PREVIEW_SIDE / max(height, width))
    height, width = max(1, round(height * scale)), max(1, round(width * scale))
    return _avif(side_by_side(frames, height, width), _PREVIEW_QUALITY, speed=PREVIEW_SPEED), height, width


def side_by_side(frames: Frames, height: int | None = None, width: int | None = None) -> NDArray[np.uint8]:
    """Return frames `T H W C` in the grid of a sprite as one picture, made as large as is said."""
    height, width = height or frames.shape[1], width or frames.shape[2]
    if (height, width) != frames.shape[1:3]:
        frames = np.stack([np.asarray(Image.fromarray(f).resize((width, height))) for f in frames])
    columns, rows = _grid(len(frames))
    cells = np.zeros((rows * columns, height, width, frames.shape[3]), np.uint8)
    cells[: len(frames)] = frames
    grid = cells.reshape(rows, columns, height, width, -1).swapaxes(1, 2)
    return grid.reshape(rows * height, columns * width, -1)


def coarser_picture(path: Path, quality: int) -> bytes:
    """Return a picture or sprite encoded anew as AVIF, with its alpha; raises StoreError for a damaged file."""
    try:
        with opened_picture(path) as picture:
            pixels = picture.transparent()
    except Exception as error:  # whatever Pillow raises for a bad file
        raise StoreError(f"{path} is damaged ({error}): compute it again.") from error
    pixels = pixels[..., :3] if (pixels[..., 3] == 255).all() else pixels
    return _avif(np.ascontiguousarray(pixels), quality, repeated=True)  # as much a clip's as a map's


def poster_bytes(
    frame: NDArray[np.uint8], quality: int | None = None, *, speed: int | None = None
) -> tuple[bytes, int, int]:
    """Return a frame H W 3 or H W 4, made smaller if it is large, as AVIF with its height and width.

    Without a quality it is as coarse as `LEAST_SIMILARITY` allows; with one, `speed` is the encoder's.
    """
    image = Image.fromarray(frame)
    image.thumbnail((_POSTER_SIDE, _POSTER_SIDE), Image.Resampling.BILINEAR)
    pixels = np.asarray(image)
    return _avif(pixels, quality, speed=speed) if quality else _coarsest(pixels), image.height, image.width


def still_bytes(pixels: NDArray[np.uint8]) -> bytes:
    """Return a picture H W 3 as AVIF, as coarse as `LEAST_SIMILARITY` allows."""
    return _coarsest(pixels)


def row_bytes(pictures: Sequence[NDArray[np.uint8]], height: int | None = None) -> tuple[bytes, int, int]:
    """Return pictures H W 3 side by side, a little apart, as one WebP with its height and width.

    Each is made `height` px high, or as high as the first one; smaller ones by repeating pixels.
    """
    height = height or pictures[0].shape[0]
    gap = np.full((height, _ROW_GAP, 3), _ROW_GREY, np.uint8)
    parts = [part for picture in pictures for part in (gap, _as_high(picture, height))]
    row = np.concatenate(parts[1:], axis=1)
    return _webp(row, 90 if len(pictures) == 1 else 80), *row.shape[:2]


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


def _coarsest(pixels: NDArray[np.uint8]) -> bytes:
    """Return a picture H W 3, or H W 4 with alpha, as AVIF of the least quality that leaves it like itself."""
    for quality in _QUALITIES[:-1]:
        content = _avif(pixels, quality, repeated=True)
        with opened_picture(BytesIO(content)) as picture:
            if similarity(picture.transparent()[..., : pixels.shape[2]], pixels) >= LEAST_SIMILARITY:
                return content
    return _avif(pixels, _QUALITIES[-1], repeated=True)


def _avif(
    pixels: NDArray[np.uint8], quality: int = QUALITY, *, repeated: bool = False, speed: int | None = None
) -> bytes:
    hurry = pixels.shape[0] * pixels.shape[1] > _UNHURRIED
    speed = 10 if hurry else speed or (5 if repeated else 7)
    # Two threads, however many cores there are: with two the bytes are those with any more, and others than with one.
    # Only this encoder knows the tuning.
    encoder = {"codec": "aom", "advanced": {"tune": "psnr"} | (REPEATED if repeated else {})}
    return picture_bytes(pixels, "AVIF", quality=quality, subsampling="4:4:4", speed=speed, max_threads=2, **encoder)


def _webp(pixels: NDArray[np.uint8], quality: int) -> bytes:
    return picture_bytes(pixels, "WEBP", quality=quality, method=4)
