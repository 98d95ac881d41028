"""Charts that are bars, petals and dots, as inline SVG."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from itertools import pairwise

from markupsafe import Markup

from reportgen.outputs.charts import PETALS, Drops, Histogram, Intervals, Piece, Pieces, Rose, Shared
from reportgen.outputs.site.svg import svg, svg_line, svg_text
from reportgen.outputs.site.text import inert
from reportgen.reading.format import fixed, number, percent, shortened

_LONGEST = 26
"""Characters of a layer's name that fit beside its row."""


def histogram(chart: Histogram, label: str) -> Markup:
    """Return bars over ranges of values; the ends are written below.

    Where the axis is cut the first or last bar holds all that lie beyond, and says so.
    """
    width, height, bottom, top = 240, 110, 20, 14
    values, cut_low, cut_high = chart.cut
    low, high, unit = min(values), max(values), chart.unit
    first = f"{number(low, 2)}{' or less' if cut_low else ''}"
    last = " ".join(filter(None, (number(high, 2), unit, "or more" if cut_high else "")))
    bars = chart.counts()
    slot, most = width / len(bars), max(found for _, _, found in bars)
    body = [svg_line(0, height - bottom, width, height - bottom, "axis")]
    for i, (*edges, found) in enumerate(bars):
        size = (height - bottom - top) * found / most
        start, end = (number(0.0 if abs(edge) < 1e-9 * (high - low) else edge, 2) for edge in edges)
        title = f"{start} to {end} {unit}".strip()
        if (cut_low and i == 0) or (cut_high and i == len(bars) - 1):
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


def rose(chart: Rose, label: str) -> Markup:
    """Return how many kernels prefer each direction, as petals coloured like the motion wheel."""
    size, centre, radius = 220, 110.0, 84.0
    counts = chart.counts()
    most = max([*counts, 1])
    body = [f'<circle cx="{centre}" cy="{centre}" r="{radius * part:.1f}" class="grid"/>' for part in (0.5, 1.0)]
    for i, found in enumerate(counts):
        if not found:
            continue
        middle = i * 360 / PETALS
        ends = [math.radians(middle + side * 180 / PETALS * 0.9) for side in (-1, 1)]
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


def drops(chart: Drops, label: str) -> Markup:
    """Return bars of drops with the interval of other kernels below each, or that there is no control."""
    width, left, right, row = 360, 4, 56, 46
    ends = [value for d in chart.rows for value in (d.drop, d.random_low, d.random_high) if value is not None]
    low, high = min([0.0, *ends]), max([0.0, *ends]) or 1.0
    scale = (width - left - right) / (high - low)

    def x(value: float) -> float:
        return left + (value - low) * scale

    body = []
    for i, entry in enumerate(chart.rows):
        y = i * row
        start, end = sorted((x(0), x(entry.drop)))
        body += [
            svg_line(x(0), y + 15, x(0), y + 40, "axis"),
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
    return svg(width, row * len(chart.rows) + 6, label, body, "drops")


def intervals(chart: Intervals, label: str) -> Markup:
    """Return one dot per row with its interval, on one scale from 0 (or less) to 1 (or more)."""
    width, left, right, row, top = 560, 190, 50, 17, 18
    low = min([0.0, *(r.value if r.low is None else r.low for r in chart.rows)])
    high = max([1.0, *(r.value if r.high is None else r.high for r in chart.rows)])
    scale = (width - left - right) / (high - low)

    def x(value: float) -> float:
        return left + (value - low) * scale

    bottom = top + row * len(chart.rows)
    body = []
    for mark in (0.0, 0.5, 1.0):
        body += [
            svg_line(x(mark), top - 4, x(mark), bottom, "grid"),
            svg_text(x(mark), 10, f"{mark:g}", "middle", "muted"),
        ]
    for i, entry in enumerate(chart.rows):
        y = top + row * i + row / 2
        body.append(svg_text(left - 8, y + 4, shortened(entry.name, 30), "end"))
        if entry.low is not None and entry.high is not None:
            body.append(svg_line(x(entry.low), y, x(entry.high), y, "interval"))
        body += [
            f'<circle cx="{x(entry.value):.1f}" cy="{y:.1f}" r="4" class="bar">'
            f"<title>{inert(entry.name)}</title></circle>",
            svg_text(width, y + 4, fixed(entry.value), "end", "muted"),
        ]
    return svg(width, bottom + 4, label, body, "intervals")


def shared(chart: Shared, label: str) -> Markup:
    """Return the kept kernels of each layer as one bar: the first's own, those of both, the second's own.

    A tick in each bar stands where the shared ones would end by chance.
    """
    width, left, row = 640, 190, 26
    scale = (width - left - 60) / max([k.shared + k.first + k.second for k in chart.layers] + [1])
    body = []
    for place, layer in enumerate(chart.layers):
        x, y = float(left), place * row
        body.append(svg_text(left - 8, y + 17, shortened(layer.layer, _LONGEST), "end"))
        parts = (
            (layer.first, "rg-compare__first", f"only {chart.first}"),
            (layer.shared, "rg-compare__shared", "both"),
            (layer.second, "rg-compare__second", f"only {chart.second}"),
        )
        for found, kind, title in parts:
            size = found * scale
            body.append(
                f'<rect x="{x:.1f}" y="{y + 5}" width="{size:.1f}" height="17" class="{kind}">'
                f"<title>{inert(f'{title}: {found}')}</title></rect>"
            )
            if size > 16:
                body.append(svg_text(x + size / 2, y + 17.5, str(found), "middle", "on"))
            x += size
        chance = "" if layer.by_chance is None else f", {fixed(layer.by_chance, 1)} by chance"
        body.append(svg_text(x + 6, y + 17, f"{percent(layer.jaccard)}{chance}", kind="muted"))
    return svg(width, row * len(chart.layers) + 4, label, body, "compare")


def divided(chart: Pieces, label: str, href: Callable[[str], str]) -> Markup:
    """Return one row per layer, divided among its kernels; those with a page are links."""
    row = 20
    body: list[str] = []
    for place, (layer, found) in enumerate(chart.layers):
        body += _row(layer, found, place * row, row, href)
    return svg(760, row * len(chart.layers) + 4, label, body, "overview", "group")


def _row(layer: str, found: Sequence[Piece], y: int, row: int, href: Callable[[str], str]) -> list[str]:
    left, width = 170, 760
    body = [svg_text(left - 8, y + 14, shortened(layer, _LONGEST), "end")]
    x, scale = float(left), width - left
    for piece in found:
        size = piece.share * scale
        title = f"{piece.name}: relevance {number(piece.value)}, {percent(piece.share, 1)} of the layer"
        colour = ""
        if piece.reliance is not None:
            title += f", motion reliance {fixed(piece.reliance)}"
            part = 100 * min(max(piece.reliance, 0.0), 1.0)
            colour = f' style="fill:color-mix(in oklab,var(--rg-vermilion) {part:.0f}%,var(--rg-green))"'
        kind = "others" if piece.others else "known" if piece.uri else "kernel"
        drawn = (
            f'<rect x="{x:.1f}" y="{y + 2}" width="{max(size - 0.7, 0.3):.1f}" height="{row - 4}" '
            f'class="rg-piece rg-piece--{kind}"{colour}><title>{inert(title)}</title></rect>'
        )
        body.append(f'<a href="{href(piece.uri)}">{drawn}</a>' if piece.uri else drawn)
        x += size
    return body
