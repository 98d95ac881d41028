"""A decoded video frame as a player shows it: colours, transparency, shape of the pixels, orientation."""

from __future__ import annotations

import struct
from fractions import Fraction
from typing import Any

import numpy as np
from av.filter import Graph
from av.sidedata.sidedata import Type
from numpy.typing import NDArray
from PIL import Image

from reportgen.clips.hdr import CURVES, to_sdr
from reportgen.clips.source import Frame, check_dimensions
from reportgen.errors import ClipError
from reportgen.pictures import over_grey

_UNSPECIFIED = 2
_BT709 = 1
_SD_LINES = 576
"""Video without a stated colour matrix is BT.601 up to this height and BT.709 above, as players assume."""

_STRAY = 0.02
"""Share of a display matrix's larger entries up to which the others are rounding, and not a turn by some degrees."""

_LATER_KINDS = 16
"""How many kinds of side data FFmpeg may have that PyAV does not know."""


def shown(frame: Any, aspect: float, name: str) -> Frame:
    """Return a PyAV frame as RGB, H W 3; `aspect` is a stored pixel's width over its height.

    Transparent parts lie over grey, HDR is mapped to the range of other video, pixels are made square, and the frame is
    turned and mirrored as its display matrix says. Raises ClipError for `name` where that is not possible.
    """
    return _turned(_square(_colours(frame), aspect, name), frame, name)


def _colours(frame: Any) -> Frame:
    untagged = frame.colorspace == _UNSPECIFIED and not frame.format.is_rgb and frame.height > _SD_LINES
    # FFmpeg would begin threads for every video, which stay until the video's memory is freed.
    options = {"threads": 1} | ({"src_colorspace": _BT709} if untagged else {})
    if frame.color_trc in CURVES:
        return to_sdr(frame.to_ndarray(format="rgb48le", **options), frame.color_trc, frame.color_primaries)
    if any(component.is_alpha for component in frame.format.components):
        return over_grey(frame.to_ndarray(format="rgba", **options))
    pixels: Frame = frame.to_ndarray(format="rgb24", **options)
    return pixels


def _square(pixels: Frame, aspect: float, name: str) -> Frame:
    """Return the frame with square pixels: made wider or higher, so that none is lost."""
    if aspect == 1:
        return pixels
    height, width = pixels.shape[:2]
    size = (round(width * aspect), height) if aspect > 1 else (width, round(height / aspect))
    check_dimensions(name, *size)
    return np.asarray(Image.fromarray(pixels).resize(size, Image.Resampling.BILINEAR))


def _turned(pixels: Frame, frame: Any, name: str) -> Frame:
    """Apply the display matrix a, b, u, c, d, v, x, y, w: what is stored at (x, y) is shown at (ax + cy, bx + dy)."""
    matrix = _side_data(frame).get(Type.DISPLAYMATRIX)
    a, b, _, c, d, *_ = struct.unpack("<9i", bytes(matrix)[:36]) if matrix else (0,) * 5
    if not any((a, b, c, d)):
        return pixels
    along, across = min(abs(a), abs(d)), min(abs(b), abs(c))
    if max(abs(b), abs(c)) <= _STRAY * along:
        right, down = a, d
    elif max(abs(a), abs(d)) <= _STRAY * across:
        pixels, right, down = pixels.swapaxes(0, 1), c, b
    else:
        raise ClipError(f"{name} is to be shown askew, by no multiple of 90 degrees: export it upright.")
    turned: NDArray[np.uint8] = pixels[:: 1 if down > 0 else -1, :: 1 if right > 0 else -1]
    return np.ascontiguousarray(turned)


def _side_data(frame: Any) -> Any:
    """Return what is told of a frame by kind, without the kinds that FFmpeg knows and PyAV does not.

    PyAV refuses all of it where there is one of these (EXIF of cameras, the second view of spatial videos).
    """
    try:
        return frame.side_data
    except ValueError:
        graph = Graph()
        size = {"width": frame.width, "height": frame.height}
        last = graph.add_buffer(**size, format=frame.format, time_base=Fraction(1, 1000))
        for kind in range(len(Type), len(Type) + _LATER_KINDS):  # they are numbered from 0
            taken_out = graph.add("sidedata", mode="delete", type=str(kind))
            last.link_to(taken_out)
            last = taken_out
        last.link_to(graph.add("buffersink"))
        graph.configure()
        graph.push(frame)
        return graph.pull().side_data
