"""The scale of motion colours: one for all kernels of a layer, so that equal colours are equal speeds on one page.

A run holds each kernel's motion coloured in a scale of its own, which is smaller or the same: fading the colours
towards white by the ratio of both gives those of the layer's scale, and no picture is made anew.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from pathlib import Path

from reportgen.motion_colour import ARROW_SPACING, LEAST_FULL_COLOUR
from reportgen.pages.page import ColourWheel, MotionStrip
from reportgen.pages.strips import Strip, strip
from reportgen.reading.addresses import Addresses
from reportgen.records.jobs import Artifact, Done

WHEEL = "assets/motion-wheel.png"
"""The legend of all layers: it shows directions, and what its rim stands for is said beside it."""

WHEEL_SIZE = 96
"""px; twice the size at which it is shown."""


def page_scale(own: Iterable[float]) -> float:
    """Return the speed in px/frame at the wheel's rim: the largest of the kernels' scales, rounded up to 2 digits."""
    largest = max([LEAST_FULL_COLOUR, *own])
    digit = 10.0 ** (math.floor(math.log10(largest)) - 1)
    return float(f"{math.ceil(largest / digit - 1e-9) * digit:.2g}")


@dataclass(frozen=True)
class LayerMotion:
    """The motion pictures of a layer's kernels and their common scale, px/frame at the wheel's rim.

    `alone` are the same for where a kernel stands by itself, each with its own scale, which is LEAST_FULL_COLOUR at
    least: beside a fast kernel of its layer the motion of a slow one is next to white. `arrow` is how long an arrow is
    at full speed, in px; None without arrows.
    """

    scale: float
    wheel: Strip
    strips: dict[int, Strip]
    alone: dict[int, tuple[Strip, float]]
    assets: tuple[MotionStrip | ColourWheel, ...]
    arrow: int | None = None


@dataclass(frozen=True)
class MotionField:
    """The motion of a kernel: the picture in its own scale, its poster, and where the field itself lies."""

    index: int
    sprite: Artifact
    poster: Artifact | None
    field: Path

    @classmethod
    def of(cls, index: int, done: Done | None, path: Callable[[Artifact], Path]) -> MotionField | None:
        """Return what an answer holds of a kernel's motion; None where there is none."""
        sprite = done.artifact("motion", "clip") if done else None
        field = done.artifact("motion", "motion") if done else None
        if done is None or sprite is None or field is None or sprite.scale is None:
            return None
        return cls(index, sprite, done.artifact("motion", "image"), path(field))


def own_motion(motion: LayerMotion | None, index: int) -> tuple[Strip | None, float | None]:
    """Return a kernel's motion in its own scale, and that scale; None of both where it has no motion picture."""
    return motion.alone.get(index, (None, None)) if motion else (None, None)


def _faded(shown: Strip, own: float, scale: float) -> Strip:
    return replace(shown, fade=round(min(1.0, own / scale), 4))


def layer_motion(
    folder: str, fields: Iterable[MotionField], addresses: Addresses, *, arrows: bool = False
) -> LayerMotion | None:
    """Return the motion pictures of a layer in `folder` of the site; None when no kernel was decomposed.

    With `arrows` the pictures are made anew, with sparse arrows on the colours.
    """
    found = list(fields)
    if not found:
        return None
    scale = page_scale(float(one.sprite.scale or 0.0) for one in found)
    alt = "Colour wheel: right red, down yellow, left cyan, up blue-violet, none white"
    wheel = Strip(WHEEL, WHEEL_SIZE, WHEEL_SIZE, 1, alt)
    assets: list[MotionStrip | ColourWheel] = [ColourWheel(wheel.uri)]
    strips, alone = {}, {}
    for one in found:
        alt = f"Motion of kernel {one.index}, coloured by direction and speed"
        shown = strip(addresses, one.sprite, one.poster, alt)
        if shown is None:
            continue
        if arrows:
            shown = replace(shown, uri=f"{folder}/{one.index:04d}-motion.avif")
            assets.append(MotionStrip(shown.uri, one.field, scale, arrows))
            strips[one.index], alone[one.index] = shown, (shown, scale)
            continue
        own = float(one.sprite.scale or 0.0)
        by_itself = max(own, LEAST_FULL_COLOUR)  # runs made before have smaller scales
        alone[one.index] = (_faded(shown, own, by_itself), by_itself)
        strips[one.index] = _faded(shown, own, scale)
    return LayerMotion(scale, wheel, strips, alone, tuple(assets), ARROW_SPACING if arrows else None)
