"""Resize and centre crop."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from reportgen.clips.source import Frame
from reportgen.errors import CardError, ClipError
from reportgen.records.card import ClipSpec

MAX_ASPECT = 50
"""Longest side over shortest beyond which a frame has no meaningful centre."""


def fit(frame: Frame, spec: ClipSpec, name: str) -> NDArray[np.uint8]:
    """Return a frame as H W C (C = 1: luminance), resized (antialiased, bilinear) and cropped as the card says.

    The crop is central. An integer `resize` is the short side's length; the image is enlarged further where the crop
    would not fit. Resize and crop are one step, with the rounding of doing one after the other, so that only pixels
    that are kept are computed. Raises ClipError for a frame that is absurdly narrow, CardError for a card that crops
    more than it resizes to.
    """
    height, width = frame.shape[:2]
    if max(width, height) > MAX_ASPECT * min(width, height):
        raise ClipError(f"{name} has frames of {width} x {height} px, too narrow to crop: give a proper video.")
    new_width, new_height = _resized(width, height, spec)
    left = (new_width - spec.width) // 2
    top = (new_height - spec.height) // 2
    across, down = width / new_width, height / new_height
    box = (left * across, top * down, (left + spec.width) * across, (top + spec.height) * down)
    if (height, width) == (new_height, new_width) == (spec.height, spec.width) and spec.channels == 3:
        return frame  # as it would be resized to, without the copies
    image = Image.fromarray(frame)
    fitted = image.resize((spec.width, spec.height), Image.Resampling.BILINEAR, box=_within(box, width, height))
    return np.asarray(fitted) if spec.channels == 3 else np.asarray(fitted.convert("L"))[..., None]


def _resized(width: int, height: int, spec: ClipSpec) -> tuple[int, int]:
    """Return the width and height before the crop."""
    if isinstance(spec.resize, tuple):
        new_height, new_width = spec.resize
        if new_height < spec.height or new_width < spec.width:
            raise CardError(
                f"The card resizes to {new_height} x {new_width} px and then crops {spec.height} x {spec.width}: "
                "make `resize` at least as large as the clip."
            )
        return new_width, new_height
    short = spec.resize if spec.resize is not None else 0
    scale = max(short / min(width, height), spec.width / width, spec.height / height)
    return max(round(width * scale), spec.width), max(round(height * scale), spec.height)


def _within(box: tuple[float, float, float, float], width: int, height: int) -> tuple[float, float, float, float]:
    """Keep the rounding of a division from leading out of the image by an ulp, which Pillow refuses."""
    left, top, right, bottom = box
    return max(left, 0.0), max(top, 0.0), min(right, float(width)), min(bottom, float(height))
