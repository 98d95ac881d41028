"""Frames that carry their own number and known colours, so that a reader's order and colours can be checked."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
from numpy.typing import NDArray

from reportgen.records.card import ClipSpec

WIDTH, HEIGHT = 64, 48
BITS = 8
PATCHES = ((200, 40, 60), (40, 180, 50), (50, 60, 200), (220, 200, 40))


def spec(frames: int, *, height: int = HEIGHT, width: int = WIDTH, **more: Any) -> ClipSpec:
    channels = more.pop("channels", 3)
    return ClipSpec(
        frames=frames,
        height=height,
        width=width,
        channels=channels,
        mean=(0.0,) * channels,
        std=(1.0,) * channels,
        **more,
    )


def frame(number: int, scale: int = 1) -> NDArray[np.uint8]:
    """H W 3: above, the number in eight bars (white is 1); below, four patches of known colours."""
    image = np.zeros((HEIGHT, WIDTH, 3), np.uint8)
    for bit in range(BITS):
        image[: HEIGHT // 2, bit * 8 : bit * 8 + 8] = 255 if number >> bit & 1 else 0
    for place, colour in enumerate(PATCHES):
        image[HEIGHT // 2 :, place * 16 : place * 16 + 16] = colour
    return image.repeat(scale, 0).repeat(scale, 1)


def number_of(image: NDArray[Any]) -> int:
    """The number that a frame (H W 3 in [0, 1], of any size) carries."""
    height, width = image.shape[:2]
    bars = [image[height // 4, int((bit + 0.5) * width / BITS)].mean() for bit in range(BITS)]
    assert all(bar < 0.25 or bar > 0.75 for bar in bars), bars
    return sum(1 << bit for bit, bar in enumerate(bars) if bar > 0.5)


def numbers(clip_frames: NDArray[Any]) -> list[int]:
    return [number_of(image) for image in clip_frames]


def patches_of(image: NDArray[Any]) -> NDArray[Any]:
    """The four colours of a frame, 4 3, in 0..255."""
    height, width = image.shape[:2]
    row = image[height * 3 // 4]
    return np.array([row[int((place + 0.5) * width / 4)] for place in range(4)]) * 255


def write_video(
    path: Path,
    count: int,
    *,
    codec: str = "libx264",
    rate: int = 10,
    scale: int = 1,
    pixels: str = "yuv420p",
    matrix: int | None = None,
    options: dict[str, str] | None = None,
    stamps: list[int] | None = None,
    aspect: Fraction | None = None,
) -> Path:
    """Encode `count` numbered frames; `matrix` 1 is BT.709, 5 BT.601, None untagged; `stamps` are times in ms.

    `aspect` is a pixel's width over its height.
    """
    with av.open(str(path), "w") as container:
        stream = container.add_stream(codec, rate=rate)
        stream.width, stream.height, stream.pix_fmt = WIDTH * scale, HEIGHT * scale, pixels
        stream.options = options or {}
        if stamps is not None:
            stream.codec_context.time_base = Fraction(1, 1000)
        if aspect is not None:
            stream.codec_context.sample_aspect_ratio = aspect
        if matrix is not None:
            stream.codec_context.colorspace = matrix
        for number in range(count):
            picture = av.VideoFrame.from_ndarray(frame(number, scale), format="rgb24")
            picture = picture.reformat(format=pixels, dst_colorspace=matrix or 5)
            picture.pts = number if stamps is None else stamps[number]
            picture.time_base = Fraction(1, rate) if stamps is None else Fraction(1, 1000)
            container.mux(stream.encode(picture))
        container.mux(stream.encode())
    return path
