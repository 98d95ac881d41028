"""Maps and motion as colours: heat over the clip that it explains, motion by the colour wheel."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from reportgen.media.colours import diverging, magma
from reportgen.media.encode import Frames, check_frames, sprite_bytes
from reportgen.motion_colour import draw_arrows, motion_to_rgb

_STRONGEST = 0.9
"""Share of the heat's colour where it is at the end of its scale; at zero there is only the clip."""

_NARROWED, _SLOPE, _GAP = 0.45, 0.3, 0.3
"""A stacked frame's width, its fall, and its distance from the next, in widths of the clip."""

_LUMA = np.array([0.299, 0.587, 0.114])


def coloured_heat(heat: NDArray[Any], scale: float, *, signed: bool) -> Frames:
    """Return `T H W 3` uint8: blue-white-red about zero for signed maps, else magma from zero, up to `scale`."""
    values = _scaled(heat, scale)
    return diverging(values) if signed else magma(values)


def heat_over_clip(heat: NDArray[Any], over: NDArray[Any], scale: float, *, signed: bool) -> Frames:
    """Return the heat `T H W` over the greyed clip `T H W C` as `T H W 3` uint8; stronger heat hides more of it."""
    clip = check_frames(over)
    if heat.shape != clip.shape[:3]:
        raise ValueError(f"heat must be T H W like its clip {clip.shape[:3]}, got {heat.shape}")
    grey = (clip @ _LUMA)[..., None]
    strength = np.abs(_scaled(heat, scale)) if signed else np.clip(_scaled(heat, scale), 0, 1)
    share = _STRONGEST * strength[..., None]
    blended: Frames = np.rint(grey * (1 - share) + coloured_heat(heat, scale, signed=signed) * share).astype(np.uint8)
    return blended


def stacked(frames: Frames, most: int = 12) -> Frames:
    """Return frames `T H W 3` as one picture `H' W' 4`: seen from the side, time to the right, transparent around them.

    After the tubes of Stergiou et al. 2019 (arXiv 1902.01078). Of more than `most` frames, evenly spaced ones.
    """
    shown = frames[np.unique(np.linspace(0, len(frames) - 1, min(most, len(frames))).round().astype(int))]
    height, width = shown.shape[1:3]
    narrow, slope = max(round(_NARROWED * width), 1), round(_SLOPE * width)
    columns = np.linspace(0, width - 1, narrow).round().astype(int)
    down = np.linspace(slope, 0, narrow).round().astype(int)
    step = max(round(_GAP * width), 1)
    canvas = np.zeros((height + slope, narrow + step * (len(shown) - 1), 4), np.uint8)
    rows = np.arange(height)[:, None] + down[None, :]
    for place in reversed(range(len(shown))):
        canvas[rows, np.arange(narrow)[None, :] + place * step] = np.concatenate(
            [shown[place][:, columns], np.full((height, narrow, 1), 255, np.uint8)], axis=2
        )
    return canvas


def coloured_motion(motion: NDArray[Any], evidence: NDArray[Any], max_speed: float, *, arrows: bool = False) -> Frames:
    """Return motion `T 2 H W` in px/frame as `T H W 3` uint8 by the Middlebury wheel, `max_speed` at its rim.

    Pixels without `evidence` (`T H W` bool) are grey. With `arrows` sparse ones stand on the colours.
    """
    field, known = _checked(motion, evidence), evidence.astype(bool)
    coloured = motion_to_rgb(field, max_speed, evidence=known)
    return draw_arrows(coloured, field, max_speed, evidence=known) if arrows else coloured


def motion_colours(motion: NDArray[Any], evidence: NDArray[Any], scale: float) -> Frames:
    """Return motion `T 2 H W` in px/frame as `T H W 4` uint8: the wheel's colours, full at `scale` and beyond it.

    Pixels without `evidence` (`T H W` bool) are transparent. A page with a larger scale fades the colours towards white
    by the ratio of both, which are then those of its own scale.
    """
    speed = np.hypot(*np.moveaxis(_checked(motion, evidence), 1, 0))[:, None]
    bounded = motion * np.minimum(1, scale * (1 - 1e-6) / np.maximum(speed, np.finfo(np.float32).tiny))
    opacity = np.where(evidence, 255, 0).astype(np.uint8)[..., None]
    coloured: Frames = np.concatenate([motion_to_rgb(bounded, scale), opacity], axis=-1)
    return coloured


def motion_sprite(motion: NDArray[Any], evidence: NDArray[Any], max_speed: float, *, arrows: bool = False) -> bytes:
    """Return the sprite of `coloured_motion`."""
    return sprite_bytes(coloured_motion(motion, evidence, max_speed, arrows=arrows))


def _checked(motion: NDArray[Any], evidence: NDArray[Any]) -> NDArray[np.float32]:
    if motion.ndim != 4 or motion.shape[1] != 2 or evidence.shape != (motion.shape[0], *motion.shape[2:]):
        raise ValueError(f"motion must be T 2 H W and evidence T H W, got {motion.shape} and {evidence.shape}")
    if not np.isfinite(motion).all():
        raise ValueError("motion must be finite")
    return motion.astype(np.float32)


def _scaled(heat: NDArray[Any], scale: float) -> NDArray[np.float64]:
    """Return the heat in units of its scale, clipped to [-1, 1]."""
    _check_scale(scale)
    if heat.ndim != 3 or not np.isfinite(heat).all():
        raise ValueError(f"heat must be finite T H W, got {heat.shape}")
    return np.clip(heat.astype(np.float64) / scale, -1, 1)


def _check_scale(scale: float) -> None:
    if not (math.isfinite(scale) and scale > 0):
        raise ValueError(f"the end of a colour scale must be positive, got {scale}")
