"""How a kernel's responses to all clips are spread, as a histogram of few numbers, from its kept order statistics."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from reportgen.records.digits import significant

BINS = 20
"""Bars of the histogram."""

TAIL = 0.02
"""Share of the responses at each end that may lie beyond the axis."""

FAR = 3.0
"""How many times the axis's length without its tail must reach with it before the axis is cut there."""


def response_histogram(quantiles: Sequence[float]) -> dict[str, object] | None:
    """Return the counts of the bars, the ends of the axis, and whether bars at its ends hold what lies beyond.

    The order statistics stand for equal shares of the responses, so that counts are of these. None for fewer than two.
    """
    values = np.array(quantiles, np.float64)
    if len(values) < 2:
        return None
    low, high = float(values[0]), float(values[-1])
    inner = np.quantile(values, [TAIL, 1 - TAIL])
    length = float(inner[1] - inner[0])
    less = length > 0 and inner[0] - low > FAR * length
    more = length > 0 and high - inner[1] > FAR * length
    low, high = float(inner[0]) if less else low, float(inner[1]) if more else high
    if high <= low:
        return {"low": short(low), "high": short(high), "counts": [len(values)]}
    places = ((values - low) / (high - low) * BINS).astype(int).clip(0, BINS - 1)
    found: dict[str, object] = {
        "low": short(low),
        "high": short(high),
        "counts": np.bincount(places, minlength=BINS).tolist(),
    }
    return found | {name: True for name, cut in (("less", less), ("more", more)) if cut}


def short(value: float) -> float:
    """Return a number to four digits, which is all that a page shows."""
    return significant(value, 4)


def short_or_none(value: float | None) -> float | None:
    """Return a number to four digits; None where there is none."""
    return None if value is None else short(value)


def hundredth(value: float) -> float:
    """Return a share, correlation or difference to a hundredth, all that a page shows of it; halves go up, as there."""
    return math.floor(100 * value + 0.5) / 100


def hundredth_or_none(value: float | None) -> float | None:
    """Return a share to a hundredth; None where there is none."""
    return None if value is None else hundredth(value)
