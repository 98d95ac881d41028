"""The frames of a GIF or an animated PNG as a viewer lays them over each other.

Pillow lays them too, but rounds away transparency where one half-transparent frame lies over another, and takes the
wrong one back where a frame is to leave what was before it.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from PIL import Image

Leaves = Literal["itself", "nothing", "what was before"]
"""What a frame leaves for the next one to lie over, in its own rectangle."""

_PNG = b"\x89PNG\r\n\x1a\n"
_GIF_LEAVES: dict[int, Leaves] = {2: "nothing", 3: "what was before", 4: "what was before"}
_PNG_LEAVES: dict[int, Leaves] = {1: "nothing", 2: "what was before"}
_COLOURS = (b"PLTE", b"tRNS")


@dataclass(frozen=True)
class Layer:
    """One frame as it is stored: a picture file of its own, at `left`, `top` px.

    It is shown for `duration` ms, and lies `over` what is there or takes its place.
    """

    file: bytes
    left: int
    top: int
    duration: float
    over: bool
    leaves: Leaves


class Layered:
    """The frames of an animation, from the bytes of its file; `decode` returns a picture file's pixels `H W 4`.

    Raises ValueError or EOFError for a damaged file.
    """

    def __init__(self, content: bytes, decode: Callable[[bytes], NDArray[np.uint8]]) -> None:
        is_png = content.startswith(_PNG)
        try:
            width, height = struct.unpack_from(*((">II", content, 16) if is_png else ("<HH", content, 6)))
            self.layers = tuple(_png_layers(content) if is_png else _gif_layers(content))
        except struct.error as error:
            raise EOFError("it is cut off") from error
        self._size = (width, height)
        self._decode = decode
        self._restart()

    def _restart(self) -> None:
        self._next = 0
        self._canvas: Any = Image.new("RGBA", self._size)
        self._shown: Any = self._canvas

    def frame(self, index: int) -> NDArray[np.uint8]:
        """Return a frame as a viewer shows it, `H W 4`; quickest in ascending order."""
        self._layer(index)
        if index < self._next - 1:
            self._restart()
        while self._next <= index:
            self._lay(self._layer(self._next))
            self._next += 1
        return np.asarray(self._shown)

    def duration(self, index: int) -> float:
        """Return how long a frame is shown, in ms."""
        return self._layer(index).duration

    def _layer(self, index: int) -> Layer:
        if index >= len(self.layers):
            raise EOFError(f"it ends after {len(self.layers)} frames")
        return self.layers[index]

    def _lay(self, layer: Layer) -> None:
        before = self._canvas
        picture = Image.fromarray(self._decode(layer.file))
        place = (layer.left, layer.top, layer.left + picture.width, layer.top + picture.height)
        below = before.crop(place)  # what lies beyond the canvas is transparent there, and left out when it is pasted
        self._shown = before.copy()
        self._shown.paste(Image.alpha_composite(below, picture) if layer.over else picture, place)
        self._canvas = before if layer.leaves == "what was before" else self._shown
        if layer.leaves == "nothing":
            self._canvas = self._shown.copy()
            self._canvas.paste((0, 0, 0, 0), place)


def _gif_layers(content: bytes) -> Iterator[Layer]:
    """Yield the images of a GIF (specification 89a), each as a GIF of its own."""
    screen = content[:13]
    at = 13 + _colours(screen[10])
    head = b"GIF89a" + screen[6:] + content[13:at]
    duration, leaves, see_through = 0.0, 0, b""
    while at < len(content) and content[at] != 0x3B:
        kind, start = content[at], at
        if kind == 0x21:
            at = _after_blocks(content, at + 2)
            if content[start + 1] == 0xF9 and at - start == 8:
                packed, delay, index = struct.unpack_from("<BHB", content, start + 3)
                duration, leaves = 10.0 * delay, packed >> 2 & 7
                see_through = b"\x21\xf9\x04" + struct.pack("<BHB", packed & 1, 0, index) + b"\0"
        elif kind == 0x2C:
            left, top, width, height, packed = struct.unpack_from("<4HB", content, at + 1)
            at = _after_blocks(content, at + 10 + _colours(packed) + 1)
            alone = head[:6] + struct.pack("<HH", width, height) + head[10:]
            image = b"\x2c" + struct.pack("<4H", 0, 0, width, height) + content[start + 9 : at]
            yield Layer(
                alone + see_through + image + b";", left, top, duration, True, _GIF_LEAVES.get(leaves, "itself")
            )
            duration, leaves, see_through = 0.0, 0, b""
        elif kind == 0:  # filled up, as some programs do
            at += 1
        else:
            raise ValueError("something that is no block stands between its frames")


def _colours(packed: int) -> int:
    """Return the bytes of a table of colours, by the byte that says whether there is one."""
    return 3 << ((packed & 7) + 1) if packed & 0x80 else 0


def _after_blocks(content: bytes, at: int) -> int:
    while at < len(content) and content[at]:
        at += content[at] + 1
    if at >= len(content):
        raise EOFError("it is cut off")
    return at + 1


def _png_layers(content: bytes) -> Iterator[Layer]:
    """Yield the frames of an animated PNG (specification of 2025), each as a PNG of its own."""
    header, colours, parts = b"", b"", list[bytes]()
    control: tuple[int, ...] | None = None
    for kind, data in _png_chunks(content):
        if kind == b"IHDR":
            header = data[8:]
        elif kind in _COLOURS:
            colours += _chunk(kind, data)
        elif kind in (b"fcTL", b"IEND"):
            if control is not None:
                yield _png_layer(control, header, colours, parts)
            parts = []
            control = struct.unpack(">4xIIIIHHBB", data) if kind == b"fcTL" else None
        elif kind == b"IDAT" and control is not None:
            parts.append(data)
        elif kind == b"fdAT":
            parts.append(data[4:])


def _png_layer(control: tuple[int, ...], header: bytes, colours: bytes, parts: list[bytes]) -> Layer:
    width, height, left, top, delay, of_second, leaves, over = control
    file = _PNG + _chunk(b"IHDR", struct.pack(">II", width, height) + header) + colours
    file += _chunk(b"IDAT", b"".join(parts)) + _chunk(b"IEND", b"")
    return Layer(file, left, top, 1000 * delay / (of_second or 100), over == 1, _PNG_LEAVES.get(leaves, "itself"))


def _png_chunks(content: bytes) -> Iterator[tuple[bytes, bytes]]:
    at = len(_PNG)
    while at < len(content):
        length, kind = struct.unpack_from(">I4s", content, at)
        data = content[at + 8 : at + 8 + length]
        (checksum,) = struct.unpack_from(">I", content, at + 8 + length)
        if zlib.crc32(kind + data) != checksum:
            raise ValueError("the checksum of a part is wrong")
        yield kind, data
        if kind == b"IEND":
            return
        at += length + 12
    raise EOFError("it is cut off")


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
