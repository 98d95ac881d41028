"""Maps and motion, as calls return them, in colours; where no scale is given they have one of their own."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from reportgen.clips import Clip
from reportgen.errors import OptionError, a_type
from reportgen.media import overlays
from reportgen.media.encode import Frames
from reportgen.motion_colour import LEAST_FULL_COLOUR
from reportgen.result import as_array

Pixels: TypeAlias = Tensor | NDArray[Any]

_STRONG = 0.995
"""The share of a map's magnitudes at which its colours end: a few pixels must not hide all others."""

_MOST_MOTION = 0.95
"""The share of the moving pixels whose colours are told apart; what is faster is darker."""


def heat_colours(heat: Pixels, scale: float | None = None, *, signed: bool | None = None) -> Frames:
    """Return a map `T H W` in colours, as `T H W 3` uint8: blue-white-red about zero where signed, else magma from 0.

    `scale` is where the colours end, by default the magnitude that 99.5% of the pixels do not exceed; `signed` is by
    default whether anything is below 0. Raises OptionError for what is no finite map, and a scale that is not above 0.
    """
    values = _numbers(heat, "A map")
    with _told():
        return overlays.coloured_heat(values, _scale(values, scale), signed=_is_signed(values, signed))


def heat_overlay(
    heat: Pixels, over: Clip | Pixels, scale: float | None = None, *, signed: bool | None = None
) -> Frames:
    """Return a map `T H W` over its greyed clip, as `T H W 3` uint8; stronger heat hides more of the clip.

    `over` is a `Clip`, or `T H W C` in [0, 1] or uint8; for the others see `heat_colours`. Raises OptionError for a map
    that is not of the clip's size as well.
    """
    values = _numbers(heat, "A map")
    frames = over.frames if isinstance(over, Clip) else _numbers(over, "A clip under a map")
    with _told():
        return overlays.heat_over_clip(values, frames, _scale(values, scale), signed=_is_signed(values, signed))


def motion_frames(
    motion: Pixels, evidence: Pixels | None = None, max_speed: float | None = None, *, arrows: bool = False
) -> Frames:
    """Return motion `T 2 H W` in px/frame as `T H W 3` uint8 by the Middlebury wheel, `max_speed` at its rim.

    Pixels without `evidence` (`T H W`, above 0 where there is some; default: all have it) are grey. `max_speed` is by
    default the speed in px/frame that 95% of the others do not exceed. With `arrows` sparse ones stand on the colours.
    Raises OptionError for other shapes, motion that is not finite, and a speed that is not above 0.
    """
    field = _numbers(motion, "Motion")
    everywhere = np.ones((len(field), *field.shape[2:]), bool)
    known = everywhere if evidence is None else _numbers(evidence, "Evidence") > 0
    speed = full_colour(field, known) if max_speed is None else max_speed
    with _told():
        return overlays.coloured_motion(field, known, speed, arrows=arrows)


def strong(heat: NDArray[Any]) -> float:
    """Return where the colours of a map end, unless that is said; above 0 for a map of zeros too."""
    magnitudes = np.abs(heat[np.isfinite(heat)])
    return (float(np.quantile(magnitudes, _STRONG)) or float(magnitudes.max()) or 1.0) if magnitudes.size else 1.0


def full_colour(motion: NDArray[Any], evidence: NDArray[np.bool_]) -> float:
    """Return the speed in px/frame of full colour, unless that is said, for motion `T 2 H W`, evidence `T H W`."""
    if motion.ndim != 4 or motion.shape[1] != 2 or evidence.shape != (len(motion), *motion.shape[2:]):
        return LEAST_FULL_COLOUR  # colouring it says what is wrong
    speeds = np.hypot(*np.moveaxis(motion, 1, 0))[evidence]
    return max(float(np.quantile(speeds, _MOST_MOTION)) if len(speeds) else 0.0, LEAST_FULL_COLOUR)


def _scale(heat: NDArray[Any], scale: float | None) -> float:
    return strong(heat) if scale is None else scale


def _is_signed(heat: NDArray[Any], signed: bool | None) -> bool:
    return bool((heat < 0).any()) if signed is None else signed


def _numbers(given: Any, what: str) -> NDArray[Any]:
    """Return the numbers of an array or tensor; raises OptionError for anything else."""
    found = as_array(given)
    if found is None or found.dtype.kind not in "biuf":
        kind = a_type(given) if found is None else f"one of {found.dtype}"
        raise OptionError(f"{what} is a tensor or an array of real numbers, and not {kind}.")
    return found


@contextmanager
def _told() -> Iterator[None]:
    """Let what cannot be coloured be an error of reportgen's own, in a sentence."""
    try:
        yield
    except ValueError as error:
        sentence = str(error)
        raise OptionError(f"{sentence[:1].upper()}{sentence[1:]}.") from error
