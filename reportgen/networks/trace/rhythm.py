"""How the positions of an axis follow each other on the clip: evenly, in a repeated pattern, or in a circle."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

_LONGEST_PERIOD = 64
_LONGEST_IN_A_CIRCLE = 8

UNKNOWN_END = float(2**40)
"""Exact in float32, and farther than any clip reaches: an end that is not known."""


def rhythm(line: NDArray[Any], step: float | None) -> tuple[int, float] | None:
    """Return (period, shift) of a line of cells `P ...`: those `period` places on see what lies `shift` positions on.

    What sees nothing all along the line, such as constants that are joined to maps, follows any. None where the
    positions follow each other in no such way.
    """
    columns = line.reshape(len(line), -1)
    line = columns[:, np.isfinite(columns).any(axis=0)]
    if line.size == 0 or not np.isfinite(line).all():
        return None
    if len(line) == 1:
        return None if step is None else (1, step)
    for period in range(1, min(len(line) // 2, _LONGEST_PERIOD) + 1):
        shifts = line[period:] - line[:-period]
        if bool((shifts == shifts.flat[0]).all()):
            return period, float(shifts.flat[0])
    return None


def in_few_places(coming_round: int, size: int) -> bool:
    """Return whether so many of an axis' positions, which see the clip's other end, are a matter of its border."""
    return 4 * coming_round <= size


def unrolled_line(line: NDArray[Any], size: int) -> NDArray[Any]:
    """Return a line of cells (2, positions) with those placed anew that come round from the other end of the clip.

    Most positions follow each other evenly, or in a repeated pattern; the others lie one whole circle away from where
    they would follow, and all of them together make the circle, which is more than half of the clip's `size`
    positions. Any other line is returned as it is, and so is one of which over a quarter of a shift comes round.
    """
    told = np.abs(line[0]) < UNKNOWN_END
    for period in range(1, min(len(told) // 2, _LONGEST_IN_A_CIRCLE) + 1):
        found = _followed(line, told, period)
        if found is None:
            continue
        expected, shift = found
        away = np.where(told, line, expected) - expected
        apart = np.abs(away[0])
        circle = float(apart[apart > 0].min(initial=np.inf))
        if not size / 2 < circle < np.inf or not (away[0] == away[1]).all() or (apart % circle).any():
            continue
        positions = circle * period / abs(shift)
        count, coming_round = int(told.sum()), int((apart[told] > 0).sum())
        if count == positions and not in_few_places(coming_round, count):
            continue  # a shift, and no padding
        if positions % 1 == 0 and len({int(at % positions) for at in np.flatnonzero(told)}) == positions:
            return np.where(told, expected, line).astype(line.dtype)
    return line


def _followed(line: NDArray[Any], told: NDArray[np.bool_], period: int) -> tuple[NDArray[Any], float] | None:
    """Return what all positions would see that followed the longest run of a pattern, and its shift."""
    known = np.where(told, line, 0)
    shifts, others = (known[end][period:] - known[end][:-period] for end in (0, 1))
    even = told[period:] & told[:-period] & (shifts == others) & (shifts != 0)
    changes = np.flatnonzero(~even[1:] | ~even[:-1] | (shifts[1:] != shifts[:-1])) + 1
    runs = [run for run in np.split(np.arange(len(even)), changes) if even[run[0]]]
    longest = max(runs, key=len, default=np.arange(0))
    if len(longest) < 2 * period or 2 * (len(longest) + period) <= np.count_nonzero(told):
        return None
    first, shift = int(longest[0]), float(shifts[longest[0]])
    places = np.arange(len(told)) - first
    return np.take(line, first + places % period, axis=1) + (places // period) * shift, shift
