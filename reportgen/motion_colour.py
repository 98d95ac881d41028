"""Motion as colour: hue says where to, saturation how fast.

The coding is the one of the Middlebury optical flow benchmark (Baker et al. 2011): six hues around the circle, spaced
unevenly so that equal steps look about equal. Pictures have y pointing down, as arrays do: motion to the right is red,
down yellow, left cyan, up blue to violet, and none is white.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from reportgen.errors import OptionError

# Steps from red, clockwise as seen on the screen, at which the pure hues lie: red to yellow takes 15 steps of the
# circle's 55, yellow to green 6, green to cyan 4, cyan to blue 11, blue to magenta 13 and magenta to red 6.
_STEPS = np.cumsum([0, 15, 6, 4, 11, 13, 6])
_HUES = np.array(
    [[1, 0, 0], [1, 1, 0], [0, 1, 0], [0, 1, 1], [0, 0, 1], [1, 0, 1], [1, 0, 0]],
    dtype=np.float64,
)
_TOO_FAST = 0.75  # brightness of what is faster than the scale
_NEUTRAL = 128
_INK = 32

LEAST_FULL_COLOUR = 0.5
"""px/frame that full colour stands for at least: what stands still is next to white, and no rainbow of its noise.

Five times the speed from which the audit says that something moves (`Limits.stands_still`), which is a clear tint then.
"""

ARROW_SPACING = 8
"""px between arrows, and the length of one at the speed of full colour."""

Motion = NDArray[np.floating[Any]]
RgbPixels = NDArray[np.uint8]
PixelMask = NDArray[np.bool_]


def motion_to_rgb(motion: Motion, max_speed: float, *, evidence: PixelMask | None = None) -> RgbPixels:
    """Colour motion ``... 2 H W`` in px/frame as RGB ``... H W 3``.

    The colour is full at `max_speed`, and darker beyond it. Pixels outside `evidence` (bool ``... H W``) and those
    that are not finite are neutral grey. Raises OptionError for another shape, and a `max_speed` that is not above 0.
    """
    if np.ndim(motion) < 3 or np.shape(motion)[-3] != 2:
        raise OptionError(f"Motion has the axes ... 2 H W (to the right and down), and this one {np.shape(motion)}.")
    if not max_speed > 0:
        raise OptionError(f"The speed of full colour is {max_speed} px/frame: it must be above 0.")
    known: PixelMask = np.all(np.isfinite(motion), axis=-3)
    if evidence is not None:
        known &= evidence
    dx, dy = np.moveaxis(np.where(known[..., None, :, :], motion, 0.0).astype(np.float64), -3, 0)
    relative = np.hypot(dx, dy)[..., None] / max_speed
    step = np.mod(np.arctan2(dy, dx), 2 * np.pi) / (2 * np.pi) * _STEPS[-1]
    hue = np.stack([np.interp(step, _STEPS, channel) for channel in _HUES.T], axis=-1)
    colour = np.where(relative <= 1, 1 - relative * (1 - hue), _TOO_FAST * hue)
    return np.where(known[..., None], np.rint(255 * colour), _NEUTRAL).astype(np.uint8)


def colour_wheel(size: int, max_speed: float = 1.0) -> RgbPixels:
    """Return the legend as RGB ``size size 3``: each direction's colour, at `max_speed` px/frame on the rim.

    What is outside the disc is neutral grey. Raises OptionError for a size below 1 px.
    """
    if size < 1:
        raise OptionError(f"The size of the wheel is {size} px: give 1 or more.")
    offset = (np.arange(size) - (size - 1) / 2) / max((size - 1) / 2, 0.5) * max_speed
    dy, dx = np.meshgrid(offset, offset, indexing="ij")
    return motion_to_rgb(np.stack([dx, dy]), max_speed, evidence=np.hypot(dx, dy) <= max_speed * (1 + 1e-9))


def draw_arrows(
    picture: RgbPixels,
    motion: Motion,
    max_speed: float,
    *,
    spacing: int = ARROW_SPACING,
    evidence: PixelMask | None = None,
) -> RgbPixels:
    """Return RGB pictures ``... H W 3`` with an arrow for the motion at every `spacing` pixels.

    `motion` is ``... 2 H W`` in px/frame; an arrow at `max_speed` is as long as the spacing, and slower ones in
    proportion. An arrow starts at its pixel; its end is a dark dot. None is drawn for motion that would not leave the
    pixel, nor outside `evidence` (bool ``... H W``).
    """
    height, width = picture.shape[-3:-1]
    flat = picture.reshape(-1, height, width, 3).copy()
    fields = np.broadcast_to(motion, (*picture.shape[:-3], 2, height, width)).reshape(-1, 2, height, width)
    known: PixelMask = np.all(np.isfinite(fields), axis=1)
    if evidence is not None:
        known &= evidence.reshape(-1, height, width)
    scale = spacing / max_speed
    for y in range(spacing // 2, height, spacing):
        for x in range(spacing // 2, width, spacing):
            for index in np.flatnonzero(known[:, y, x]):
                _draw_arrow(flat[index], x, y, *(fields[index, :, y, x] * scale))
    return flat.reshape(picture.shape)


def _draw_arrow(picture: RgbPixels, x: int, y: int, dx: float, dy: float) -> None:
    length = np.hypot(dx, dy)
    if length < 1:
        return
    share = np.linspace(0, 1, 2 * int(np.ceil(length)) + 1)
    columns = np.clip(np.rint(x + share * dx).astype(int), 0, picture.shape[1] - 1)
    rows = np.clip(np.rint(y + share * dy).astype(int), 0, picture.shape[0] - 1)
    picture[rows, columns] = (picture[rows, columns] * 0.5).astype(np.uint8)
    picture[rows[-1], columns[-1]] = _INK
