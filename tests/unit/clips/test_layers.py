"""Frames of animations lie over each other as the specifications say: drawn here once more, number by number."""

from __future__ import annotations

import struct
import zlib
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pytest
from numpy.typing import NDArray

from reportgen.clips import read_clip
from reportgen.errors import ClipError

from .numbered import HEIGHT, WIDTH, spec

Pixels = NDArray[np.uint8]
GIF_KINDS, PNG_KINDS = ("itself", "itself", "nothing", "before"), ("itself", "nothing", "before")
PALETTE = np.random.default_rng(5).integers(0, 256, (128, 3)).astype(np.uint8)


class Part(NamedTuple):
    """A frame's own pixels H W 4 at x, y; the number of what it leaves; whether it lies over what is there."""

    pixels: Pixels
    x: int
    y: int
    leaves: int
    over: bool


def drawn(parts: list[Part], kinds: tuple[str, ...]) -> NDArray[np.float64]:
    """Return the frames T H W 3 in [0, 1], over grey."""
    canvas = np.zeros((HEIGHT, WIDTH, 4))
    shown = []
    for part in parts:
        before, new = canvas.copy(), part.pixels.astype(float)
        place = canvas[part.y : part.y + len(new), part.x : part.x + new.shape[1]]
        alpha, below = new[..., 3:] / 255, place[..., 3:] / 255 * (1 - new[..., 3:] / 255)
        if part.over:
            total = alpha + below
            colours = (new[..., :3] * alpha + place[..., :3] * below) / np.where(total > 0, total, 1)
            new = np.concatenate([colours, 255 * total], -1)
        place[:] = new
        shown.append(canvas.copy())
        if kinds[part.leaves] == "nothing":
            place[:] = 0
        elif kinds[part.leaves] == "before":
            canvas = before
    alpha = np.stack(shown)[..., 3:] / 255
    grey: NDArray[np.float64] = (np.stack(shown)[..., :3] * alpha + 128 * (1 - alpha)) / 255
    return grey


def gif(parts: list[Part], indices: list[tuple[NDArray[Any], int]]) -> bytes:
    """Return a GIF whose pictures are not compressed: a clear code before every hundred pixels."""
    content = b"GIF89a" + struct.pack("<HHBBB", WIDTH, HEIGHT, 0xF6, 7, 0) + PALETTE.tobytes()
    for part, (pixels, clear) in zip(parts, indices, strict=True):
        flat = pixels.reshape(-1).tolist()
        codes = bytes(code for at in range(0, len(flat), 100) for code in (128, *flat[at : at + 100])) + b"\x81"
        content += b"\x21\xf9\x04" + struct.pack("<BHBB", part.leaves << 2 | 1, 10, clear, 0)
        content += b"\x2c" + struct.pack("<HHHHBB", part.x, part.y, pixels.shape[1], len(pixels), 0, 7)
        content += b"".join(bytes([len(b)]) + b for b in (codes[at : at + 255] for at in range(0, len(codes), 255)))
        content += b"\0"
    return content + b";"


def apng(parts: list[Part], cover: bool) -> bytes:
    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    def packed(pixels: Pixels) -> bytes:
        return zlib.compress(b"".join(b"\0" + row.tobytes() for row in pixels))

    content = b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", WIDTH, HEIGHT, 8, 6, 0, 0, 0))
    content += chunk(b"acTL", struct.pack(">II", len(parts), 0))
    if cover:
        content += chunk(b"IDAT", packed(np.full((HEIGHT, WIDTH, 4), 99, np.uint8)))
    for number, part in enumerate(parts):
        size = (part.pixels.shape[1], part.pixels.shape[0], part.x, part.y)
        content += chunk(b"fcTL", struct.pack(">IIIIIHHBB", 2 * number, *size, 1, 10, part.leaves, part.over))
        data = packed(part.pixels)
        first = number == 0 and not cover
        content += chunk(b"IDAT", data) if first else chunk(b"fdAT", struct.pack(">I", 2 * number + 1) + data)
    return content + chunk(b"IEND", b"")


def rectangle(random: np.random.Generator, whole: bool) -> tuple[int, int, int, int]:
    if whole:
        return WIDTH, HEIGHT, 0, 0
    width, height = int(random.integers(5, WIDTH)), int(random.integers(5, HEIGHT))
    return width, height, int(random.integers(0, WIDTH - width)), int(random.integers(0, HEIGHT - height))


@pytest.mark.parametrize("seed", range(8))
def test_a_gif(tmp_path: Path, seed: int) -> None:
    random = np.random.default_rng(seed)
    parts, indices = [], []
    for number in range(5):
        width, height, x, y = rectangle(random, number == 0 and seed % 2 == 0)
        pixels = np.full((height, width), int(random.integers(128)))
        pixels[: height // 2] = random.integers(128)
        clear = int(random.choice([pixels[-1, 0], 127]))
        alpha = np.where(pixels == clear, 0, 255).astype(np.uint8)[..., None]
        colours = np.concatenate([PALETTE[pixels], alpha], -1)
        parts.append(Part(colours, x, y, int(random.integers(4)), over=True))
        indices.append((pixels, clear))
    path = tmp_path / "a.gif"
    path.write_bytes(gif(parts, indices))
    assert np.abs(read_clip(path, spec(5)).frames - drawn(parts, GIF_KINDS)).max() < 0.001


@pytest.mark.parametrize("seed", range(8))
def test_an_animated_png(tmp_path: Path, seed: int) -> None:
    random = np.random.default_rng(seed)
    parts = []
    for number in range(5):
        width, height, x, y = rectangle(random, number == 0)
        pixels = np.zeros((height, width, 4), np.uint8)
        pixels[..., :3] = random.integers(0, 256, 3)
        pixels[..., 3] = random.choice([0, 90, 255])
        pixels[: height // 2, :, 3] = 255
        parts.append(Part(pixels, x, y, int(random.integers(3)), bool(random.integers(2))))
    path = tmp_path / "a.png"
    path.write_bytes(apng(parts, cover=seed % 2 == 1))
    clip = read_clip(path, spec(5))
    assert np.abs(clip.frames - drawn(parts, PNG_KINDS)).max() < 0.007  # two roundings
    changed = bytearray(path.read_bytes())
    changed[changed.rindex(b"fdAT") + 20] ^= 1
    path.write_bytes(changed)
    with pytest.raises(ClipError, match=r"a\.png is damaged \(the checksum of a part is wrong\)"):
        read_clip(path, spec(5))
