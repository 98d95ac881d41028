"""Small charts as inline SVG: they need no script, follow the colour scheme by CSS class, and print."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from markupsafe import Markup

from reportgen.pages.svg import svg, svg_line, svg_text
from reportgen.pages.templating import inert
from reportgen.reading.ablation import Drop
from reportgen.reading.format import count, fixed, number, plain, shortened

_PETALS = 16


def _points(values: Sequence[float], box: tuple[float, float, float, float], low: float, high: float) -> str:
    left, top, width, height = box
    step = width / max(len(values) - 1, 1)
    span = (high - low) or 1.0
    return " ".join(f"{left + i * step:.1f},{top + height * (1 - (v - low) / span):.1f}" for i, v in enumerate(values))


def curve(values: Sequence[float], label: str, x_label: str) -> Markup:
    """Return a line chart of `values` over equal steps, with its first and last value written."""
    width, height, left, right, top, bottom = 320, 120, 8, 8, 18, 22
    low, high = min(*values, 0.0), max(values)
    box = (left, top, width - left - right, height - top - bottom)
    body = [
        svg_line(left, height - bottom, width - right, height - bottom, "axis"),
        f'<polyline points="{_points(values, box, low, high)}" class="curve"/>',
        svg_text(left, height - 7, x_label, kind="muted"),
        svg_text(width - right, height - 7, f"{len(values)} points", "end", "muted"),
        svg_text(width - right, 11, plain(values[-1]), "end", "strong"),
        svg_text(left, 11, f"from {plain(values[0])}", kind="muted"),
    ]
    return svg(width, height, f"{label}: from {plain(values[0])} to {plain(values[-1])}", body, "curve")


def profile(values: Sequence[float], label: str) -> Markup:
    """Return the share of each frame as bars with a cursor that follows playback (see player.js)."""
    width, height, bottom = 320, 72, 16
    high = max([*values, 0.0]) or 1.0
    slot = width / len(values)
    body = []
    for frame, value in enumerate(values):
        size = (height - bottom - 4) * max(value, 0.0) / high
        body.append(
            f'<rect x="{frame * slot + 0.5:.1f}" y="{height - bottom - size:.1f}" width="{max(slot - 1, 0.5):.1f}" '
            f'height="{size:.1f}" class="bar"><title>frame {frame + 1}: {inert(number(value))}</title></rect>'
        )
    body += [
        f'<rect x="0" y="0" width="{slot:.1f}" height="{height - bottom}" class="cursor" '
        f'data-cursor="{len(values)}" data-slot="{slot:.3f}"/>',
        svg_line(0, height - bottom, width, height - bottom, "axis"),
        svg_text(0, height - 4, "frame 1", kind="muted"),
        svg_text(width, height - 4, str(len(values)), "end", "muted"),
    ]
    return svg(width, height, label, body, "profile")


def histogram(
    values: Sequence[float], label: str, unit: str, bins: int = 12, *, ends: tuple[float, float] | None = None
) -> Markup:
    """Return how often each range of values occurs; the ends are written below.

    `ends` cut the axis where values reach beyond them: the last bar then holds all that lie beyond, and says so.
    """
    width, height, bottom, top = 240, 110, 20, 14
    low, high = min(values), max(values)
    cut_low = cut_high = False
    if ends:
        cut = [min(max(value, ends[0]), ends[1]) for value in values]
        if min(cut) < max(cut):  # else all lie beyond one end, and an axis that is not cut shows more
            cut_low, cut_high = low < ends[0], high > ends[1]
            values, low, high = cut, min(cut), max(cut)
    first = f"{number(low, 2)}{' or less' if cut_low else ''}"
    last = " ".join(filter(None, (number(high, 2), unit, "or more" if cut_high else "")))
    span = (high - low) or 1.0
    counts = [0] * bins
    for value in values:
        counts[min(int((value - low) / span * bins), bins - 1)] += 1
    slot, most = width / bins, max(counts)
    body = [svg_line(0, height - bottom, width, height - bottom, "axis")]
    for i, found in enumerate(counts):
        size = (height - bottom - top) * found / most
        edges = (low + span * edge / bins for edge in (i, i + 1))
        start, end = (number(0.0 if abs(edge) < 1e-9 * span else edge, 2) for edge in edges)
        title = f"{start} to {end} {unit}".strip()
        if (cut_low and i == 0) or (cut_high and i == bins - 1):
            title = " ".join(filter(None, (end, unit, "or less") if i == 0 else (start, unit, "or more")))
        body.append(
            f'<rect x="{i * slot + 1:.1f}" y="{height - bottom - size:.1f}" width="{slot - 2:.1f}" height="{size:.1f}" '
            f'class="bar"><title>{inert(f"{title}: {found}")}</title></rect>'
        )
    body += [
        svg_text(0, height - 6, first, kind="muted"),
        svg_text(width, height - 6, last, "end", "muted"),
        svg_text(0, 10, f"most: {most}", kind="muted"),
    ]
    return svg(width, height, f"{label}: {first} to {last}", body, "histogram")


def wheel_hue(degrees: float) -> float:
    """Return the hue that motion in a direction has: right red, down yellow, left cyan, up blue-violet."""
    corners = [(0, 0), (90, 60), (180, 180), (270, 262), (360, 360)]
    degrees %= 360
    for (start, hue), (end, next_hue) in pairwise(corners):
        if degrees <= end:
            return hue + (next_hue - hue) * (degrees - start) / (end - start)
    raise AssertionError("unreachable: degrees % 360 is below 360")


def rose(directions: Sequence[float], label: str) -> Markup:
    """Return how many kernels prefer each direction, as petals coloured like the motion wheel."""
    size, centre, radius = 220, 110.0, 84.0
    counts = [0] * _PETALS
    for degrees in directions:
        counts[round(degrees % 360 / (360 / _PETALS)) % _PETALS] += 1
    most = max([*counts, 1])
    body = [f'<circle cx="{centre}" cy="{centre}" r="{radius * part:.1f}" class="grid"/>' for part in (0.5, 1.0)]
    for i, found in enumerate(counts):
        if not found:
            continue
        middle = i * 360 / _PETALS
        ends = [math.radians(middle + side * 180 / _PETALS * 0.9) for side in (-1, 1)]
        reach = radius * math.sqrt(found / most)
        (x1, y1), (x2, y2) = ((centre + reach * math.cos(a), centre + reach * math.sin(a)) for a in ends)
        body.append(
            f'<path d="M{centre},{centre} L{x1:.1f},{y1:.1f} A{reach:.1f},{reach:.1f} 0 0 1 {x2:.1f},{y2:.1f} Z" '
            f'style="fill:hsl({wheel_hue(middle):.0f} 75% 50%)" class="petal">'
            f"<title>{middle:.0f}&#176;: {found}</title></path>"
        )
    for text, x, y, anchor in (
        ("right", size, centre - 5, "end"),
        ("left", 0, centre - 5, "start"),
        ("down", centre, size - 4, "middle"),
        ("up", centre, 12, "middle"),
    ):
        body.append(svg_text(x, y, text, anchor, "muted"))
    return svg(size, size, label, body, "rose")


def drops(rows: Sequence[Drop], label: str) -> Markup:
    """Return bars of drops with the interval of other kernels below each, or that there is no control."""
    width, left, right, row = 360, 4, 56, 46
    ends = [value for d in rows for value in (d.drop, d.random_low, d.random_high) if value is not None]
    low, high = min([0.0, *ends]), max([0.0, *ends]) or 1.0
    scale = (width - left - right) / (high - low)

    def x(value: float) -> float:
        return left + (value - low) * scale

    body = [svg_line(x(0), 2, x(0), row * len(rows) + 2, "axis")]
    for i, entry in enumerate(rows):
        y = i * row
        start, end = sorted((x(0), x(entry.drop)))
        body += [
            svg_text(left, y + 12, entry.name, kind="strong"),
            f'<rect x="{start:.1f}" y="{y + 17}" width="{max(end - start, 1):.1f}" height="11" class="bar"/>',
            svg_text(max(end, x(0)) + 5, y + 26.5, number(entry.drop), kind="value"),
        ]
        if entry.random_mean is None or entry.random_low is None or entry.random_high is None:
            body.append(svg_text(x(0) + 5, y + 38, "no control", kind="muted"))
            continue
        first, last = sorted((x(0), x(entry.random_mean)))
        body += [
            f'<rect x="{first:.1f}" y="{y + 31}" width="{max(last - first, 1):.1f}" height="7" class="bar other"/>',
            svg_line(x(entry.random_low), y + 34.5, x(entry.random_high), y + 34.5, "interval"),
            svg_line(x(entry.random_low), y + 31, x(entry.random_low), y + 38, "interval"),
            svg_line(x(entry.random_high), y + 31, x(entry.random_high), y + 38, "interval"),
            svg_text(max(last, x(entry.random_high)) + 5, y + 38, number(entry.random_mean), kind="muted"),
        ]
    return svg(width, row * len(rows) + 6, label, body, "drops")


@dataclass(frozen=True)
class Interval:
    """A named value, with its 95% interval where it has one."""

    name: str
    value: float
    low: float | None
    high: float | None


def intervals(rows: Sequence[Interval], label: str) -> Markup:
    """Return one dot per row with its interval, on one scale from 0 (or less) to 1 (or more)."""
    width, left, right, row, top = 560, 190, 50, 17, 18
    low = min([0.0, *(r.value if r.low is None else r.low for r in rows)])
    high = max([1.0, *(r.value if r.high is None else r.high for r in rows)])
    scale = (width - left - right) / (high - low)

    def x(value: float) -> float:
        return left + (value - low) * scale

    bottom = top + row * len(rows)
    body = []
    for mark in (0.0, 0.5, 1.0):
        body += [
            svg_line(x(mark), top - 4, x(mark), bottom, "grid"),
            svg_text(x(mark), 10, f"{mark:g}", "middle", "muted"),
        ]
    for i, entry in enumerate(rows):
        y = top + row * i + row / 2
        short = shortened(entry.name, 30)
        body.append(svg_text(left - 8, y + 4, short, "end"))
        if entry.low is not None and entry.high is not None:
            body.append(svg_line(x(entry.low), y, x(entry.high), y, "interval"))
        body += [
            f'<circle cx="{x(entry.value):.1f}" cy="{y:.1f}" r="4" class="bar">'
            f"<title>{inert(entry.name)}</title></circle>",
            svg_text(width, y + 4, fixed(entry.value), "end", "muted"),
        ]
    return svg(width, bottom + 4, label, body, "intervals")


@dataclass(frozen=True)
class ResponseBand:
    """A value for each of some kernels, within what is usual of each (low, middle, high)."""

    values: Sequence[float]
    low: Sequence[float]
    middle: Sequence[float]
    high: Sequence[float]


def response_plot(band: ResponseBand, marked: Sequence[int], label: str) -> Markup:
    """Return each kernel's response, by its number, over a band of usual ones; some are `marked` by their number."""
    width, height, left, right, top, bottom = 560, 170, 40, 10, 22, 24
    low, high = min(*band.low, *band.values, 0.0), max(*band.high, *band.values)
    box = (left, top, width - left - right, height - top - bottom)
    above, below = (_points(ends, box, low, high) for ends in (band.high, band.low))
    body = [
        f'<polygon points="{above} {" ".join(reversed(below.split()))}" class="band"/>',
        f'<polyline points="{_points(band.middle, box, low, high)}" class="middle"/>',
        f'<polyline points="{_points(band.values, box, low, high)}" class="curve"/>',
        svg_line(left, height - bottom, width - right, height - bottom, "axis"),
        svg_text(left - 6, top + 8, number(high, 2), "end", "muted"),
        svg_text(left - 6, height - bottom, number(low, 2), "end", "muted"),
        svg_text(left, height - 7, "kernel 0", kind="muted"),
        svg_text(width - right, height - 7, count(len(band.values) - 1), "end", "muted"),
    ]
    step, span = box[2] / max(len(band.values) - 1, 1), (high - low) or 1.0
    taken: list[float] = []
    for kernel in marked:
        x, y = left + kernel * step, top + box[3] * (1 - (band.values[kernel] - low) / span)
        body.append(f'<circle cx="{x:.1f}" cy="{y:.1f}" r="4" class="mark"><title>kernel {kernel}</title></circle>')
        if all(abs(x - other) > 34 for other in taken):  # beside another one its number would not be read
            taken.append(x)
            anchor = "end" if x > width - 40 else "middle"
            body.append(svg_text(x, max(y - 8, 11), f"#{kernel}", anchor, "strong"))
    return svg(width, height, label, body, "responses")


def fidelity(shares: Sequence[float], own: Sequence[float], random: Sequence[float], label: str) -> Markup:
    """Return the class logit over the share of the clip that is shown or hidden; random maps are dashed."""
    width, height, left, right, top, bottom = 320, 130, 8, 8, 18, 22
    low, high = min([*own, *random, 0.0]), max([*own, *random, 0.0])
    span = (high - low) or 1.0

    def points(values: Sequence[float]) -> str:
        return " ".join(
            f"{left + (width - left - right) * part:.1f},{top + (height - top - bottom) * (high - value) / span:.1f}"
            for part, value in zip(shares, values, strict=True)
        )

    zero = top + (height - top - bottom) * high / span
    body = [
        svg_line(left, zero, width - right, zero, "axis"),
        f'<polyline points="{points(random)}" class="curve" stroke-dasharray="4 4" opacity="0.6"/>',
        f'<polyline points="{points(own)}" class="curve"/>',
        svg_text(left, 11, f"whole clip {number(own[0])}", kind="muted"),
        svg_text(width - right, 11, number(own[-1]), "end", "muted"),
        svg_text(left, height - 7, "0%", kind="muted"),
        svg_text(width - right, height - 7, "100% of the clip", "end", "muted"),
    ]
    return svg(width, height, f"{label}: from {number(own[0])} to {number(own[-1])}", body, "curve")
