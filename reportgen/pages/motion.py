"""The scale of motion colours: one for all kernels of a layer, so that equal colours are equal speeds."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from reportgen.media import read_data
from reportgen.motion_colour import ARROW_SPACING
from reportgen.pages.page import ColourWheel, MotionStrip
from reportgen.pages.strips import Strip
from reportgen.records.jobs import Artifact

WHEEL_SIZE = 96
"""px; twice the size at which it is shown."""

PERCENTILE = 99.0
LEAST_SCALE = 0.1
"""px/frame; next to no motion looks like none."""

_SAMPLE = 4_000_000
"""Speeds that a percentile is taken of, at most: a layer may have thousands of kernels."""


def page_scale(sources: Sequence[Path]) -> float:
    """Return the speed in px/frame at the wheel's rim: the 99th percentile over the page's motion fields.

    Only pixels where the texture gives evidence count. Raises StoreError when a file cannot be read.
    """
    speeds = []
    for source in sources:
        arrays = read_data(source, "motion", "evidence")
        speed = np.hypot(*np.moveaxis(arrays["motion"].astype(np.float32), 1, 0))[arrays["evidence"]]
        speeds.append(speed[:: max(1, speed.size * len(sources) // _SAMPLE)])
    together = np.concatenate(speeds)
    scale = float(np.percentile(together, PERCENTILE)) if together.size else 0.0
    return float(f"{max(scale, LEAST_SCALE):.2g}")


@dataclass(frozen=True)
class LayerMotion:
    """The motion pictures of a layer's kernels and their common scale, px/frame at the wheel's rim.

    `arrow` is how long an arrow is at that speed, in px; None without arrows.
    """

    scale: float
    wheel: Strip
    strips: dict[int, Strip]
    assets: tuple[MotionStrip | ColourWheel, ...]
    arrow: int | None = None


def layer_motion(
    folder: str, fields: Iterable[tuple[int, Artifact, Path]], *, arrows: bool = False
) -> LayerMotion | None:
    """Return the motion pictures of a layer in `folder` of the site; None when no kernel was decomposed.

    `fields` are the kernels' indices with their motion artifacts and where these lie; with `arrows` sparse ones stand
    on the colours.
    """
    found = list(fields)
    if not found:
        return None
    scale = page_scale([path for _, _, path in found])
    alt = f"Colour wheel: right red, down yellow, left cyan, up blue-violet, none white; {scale:g} px/frame at the rim"
    wheel = Strip(f"{folder}/motion-wheel.png", WHEEL_SIZE, WHEEL_SIZE, 1, alt)
    assets: list[MotionStrip | ColourWheel] = [ColourWheel(wheel.uri, scale)]
    strips = {}
    for index, artifact, path in found:
        uri = f"{folder}/{index:04d}-motion.webp"
        assets.append(MotionStrip(uri, path, scale, arrows))
        if artifact.width and artifact.height and artifact.frames:
            alt = f"Motion of kernel {index}, coloured by direction and speed"
            strips[index] = Strip(uri, artifact.width, artifact.height, artifact.frames, alt)
    return LayerMotion(scale, wheel, strips, tuple(assets), ARROW_SPACING if arrows else None)
