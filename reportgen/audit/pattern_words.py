"""What the frames of a clip look like, in words."""

from __future__ import annotations

import colorsys

from reportgen.audit.limits import Limits
from reportgen.reading.format import number
from reportgen.records.answers.pattern import Colour, PatternAnswer

HUES = ("red", "orange", "yellow", "green", "cyan", "blue", "purple", "magenta")
"""Hues by name, each up to its bound in degrees; from the last bound on, red again."""

_BOUNDS = (15, 45, 70, 160, 200, 260, 290, 345)

ORIENTATIONS = ("horizontal", "falling diagonal", "vertical", "rising diagonal")
"""Orientations of stripes by their nearest multiple of 45 degrees, as one reads from left to right."""


TILTED = 6
"""Degrees by which stripes that are called horizontal or vertical visibly are not."""


def orientation_word(degrees: float) -> str:
    """Return the nearest of four orientations; 0 is horizontal, 45 falls to the right (image coordinates)."""
    nearest = round(degrees % 180 / 45)
    is_tilted = nearest % 2 == 0 and abs(degrees % 180 - 45 * nearest) > TILTED
    return "nearly " * is_tilted + ORIENTATIONS[nearest % 4]


def hue_word(colour: Colour, limits: Limits) -> str:
    """Return the name of a colour's hue; black, grey or white where it has none to speak of."""
    hue, saturation, value = colorsys.rgb_to_hsv(*colour)
    if value < limits.black:
        return "black"
    if saturation < limits.coloured:
        return "white" if value > limits.white else "grey"
    degrees = 360 * hue
    return next((name for name, bound in zip(HUES, _BOUNDS, strict=True) if degrees < bound), "red")


def colours(pattern: PatternAnswer, limits: Limits) -> str:
    """Return both colours of a pattern, such as "blue and yellow"; empty where neither has a hue."""
    if pattern.ends is None:
        return ""
    names = [hue_word(end, limits) for end in pattern.ends]
    if not any(name in HUES for name in names) or names[0] == names[1]:
        return ""
    return " and ".join(names)


def pattern_words(pattern: PatternAnswer | None, limits: Limits) -> str:
    """Return what a clip's frames look like; "a texture" where no word is sure."""
    if pattern is None or pattern.kind is None or pattern.kind == "plain":
        return "a texture"
    coloured = colours(pattern, limits)
    before = f"{coloured} " if coloured else ""
    if pattern.kind == "stripes":
        angle = "" if pattern.orientation is None else f"{orientation_word(pattern.orientation)} "
        period = "" if pattern.size is None else f" {number(pattern.size, 2)} px apart"
        return f"{before}{angle}stripes{period}"
    size = "" if pattern.size is None else f" {number(pattern.size, 2)} px wide"
    return f"{before}{pattern.kind}{size if pattern.kind in ('checks', 'blobs') else ''}"
