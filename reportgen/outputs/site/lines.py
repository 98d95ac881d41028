"""Charts that are lines, as inline SVG: they need no script, follow the colour scheme by CSS class, and print."""

from __future__ import annotations

from collections.abc import Sequence

from markupsafe import Markup

from reportgen.outputs.charts import Fidelity, FrameProfiles, RemovalCurves, StepCurve, UsualBand
from reportgen.outputs.site.svg import points, svg, svg_line, svg_text
from reportgen.outputs.site.text import inert
from reportgen.reading.format import count, fixed, number, percent, plain


def curve(chart: StepCurve, label: str) -> Markup:
    """Return a line over equal steps, with its first and last value written."""
    width, height, left, right, top, bottom = 320, 120, 8, 8, 18, 22
    values = chart.values
    low, high = min(*values, 0.0), max(values)
    box = (left, top, width - left - right, height - top - bottom)
    body = [
        svg_line(left, height - bottom, width - right, height - bottom, "axis"),
        f'<polyline points="{points(values, box, low, high)}" class="curve"/>',
        svg_text(left, height - 7, chart.x_label, kind="muted"),
        svg_text(width - right, height - 7, f"{len(values)} points", "end", "muted"),
        svg_text(width - right, 11, plain(values[-1]), "end", "strong"),
        svg_text(left, 11, f"from {plain(values[0])}", kind="muted"),
    ]
    return svg(width, height, f"{label}: from {plain(values[0])} to {plain(values[-1])}", body, "curve")


def profiles(chart: FrameProfiles, label: str) -> Markup:
    """Return the share of each frame as bars with a cursor that follows playback (player/main.js).

    Of several series one is seen; scripts show another by the name in ``data-series``.
    """
    width, height, bottom = 320, 72, 16
    slot = width / chart.frames
    first = chart.first or chart.series[0][0]
    body = []
    for name, values in chart.series:
        high = max([*values, 0.0]) or 1.0
        bars = []
        for frame, value in enumerate(values):
            size = (height - bottom - 4) * max(value, 0.0) / high
            bars.append(
                f'<rect x="{frame * slot + 0.5:.1f}" y="{height - bottom - size:.1f}" '
                f'width="{max(slot - 1, 0.5):.1f}" height="{size:.1f}" class="bar">'
                f"<title>frame {frame}: {inert(number(value))}</title></rect>"
            )
        hidden = "" if name == first else ' display="none"'
        body.append(f'<g data-series="{inert(name)}"{hidden}>{"".join(bars)}</g>')
    body += [
        f'<rect x="0" y="0" width="{slot:.1f}" height="{height - bottom}" class="cursor" '
        f'data-cursor="{chart.frames}" data-slot="{slot:.3f}"/>',
        svg_line(0, height - bottom, width, height - bottom, "axis"),
        svg_text(0, height - 4, "frame 0", kind="muted"),
        svg_text(width, height - 4, str(chart.frames - 1), "end", "muted"),
    ]
    return svg(width, height, label, body, "profile")


def band(chart: UsualBand, label: str) -> Markup:
    """Return each kernel's response, by its number, over a band of usual ones; marked ones have their number."""
    width, height, left, right, top, bottom = 560, 170, 40, 10, 22, 24
    low, high = min(*chart.low, *chart.values, 0.0), max(*chart.high, *chart.values)
    box = (left, top, width - left - right, height - top - bottom)
    above, below = (points(ends, box, low, high) for ends in (chart.high, chart.low))
    body = [
        f'<polygon points="{above} {" ".join(reversed(below.split()))}" class="band"/>',
        f'<polyline points="{points(chart.middle, box, low, high)}" class="middle"/>',
        f'<polyline points="{points(chart.values, box, low, high)}" class="curve"/>',
        svg_line(left, height - bottom, width - right, height - bottom, "axis"),
        svg_text(left - 6, top + 8, number(high, 2), "end", "muted"),
        svg_text(left - 6, height - bottom, number(low, 2), "end", "muted"),
        svg_text(left, height - 7, "kernel 0", kind="muted"),
        svg_text(width - right, height - 7, count(len(chart.values) - 1), "end", "muted"),
    ]
    step, span = box[2] / max(len(chart.values) - 1, 1), (high - low) or 1.0
    taken: list[float] = []
    for kernel in chart.marked:
        x, y = left + kernel * step, top + box[3] * (1 - (chart.values[kernel] - low) / span)
        body.append(f'<circle cx="{x:.1f}" cy="{y:.1f}" r="4" class="mark"><title>kernel {kernel}</title></circle>')
        if all(abs(x - other) > 34 for other in taken):  # beside another one its number would not be read
            taken.append(x)
            anchor = "end" if x > width - 40 else "middle"
            body.append(svg_text(x, max(y - 8, 11), f"#{kernel}", anchor, "strong"))
    return svg(width, height, label, body, "responses")


def fidelity(chart: Fidelity, label: str) -> Markup:
    """Return the class logit over the share of the clip that is shown or hidden; random maps are dashed."""
    width, height, left, right, top, bottom = 320, 130, 8, 8, 18, 22
    own, random = chart.own, chart.random
    low, high = min([*own, *random, 0.0]), max([*own, *random, 0.0])
    span = (high - low) or 1.0

    def over_shares(values: Sequence[float]) -> str:
        return " ".join(
            f"{left + (width - left - right) * part:.1f},{top + (height - top - bottom) * (high - value) / span:.1f}"
            for part, value in zip(chart.shares, values, strict=True)
        )

    zero = top + (height - top - bottom) * high / span
    body = [
        svg_line(left, zero, width - right, zero, "axis"),
        f'<polyline points="{over_shares(random)}" class="curve" stroke-dasharray="4 4" opacity="0.6"/>',
        f'<polyline points="{over_shares(own)}" class="curve"/>',
        svg_text(left, 11, f"whole clip {number(own[0])}", kind="muted"),
        svg_text(width - right, 11, number(own[-1]), "end", "muted"),
        svg_text(left, height - 7, "0%", kind="muted"),
        svg_text(width - right, height - 7, "100% of the clip", "end", "muted"),
    ]
    return svg(width, height, f"{label}: from {number(own[0])} to {number(own[-1])}", body, "curve")


_WIDTH, _HEIGHT, _LEFT, _RIGHT, _TOP, _BOTTOM = 320, 190, 34, 10, 12, 34


def removal(chart: RemovalCurves, label: str) -> Markup:
    """Return the curves of one score with their intervals, over the band of random filters.

    Shares are equal steps apart, from no filter on.
    """
    low, high = chart.ends
    scale = _Scale(len(chart.shares), low, high)
    body = [svg_line(_LEFT, scale.y(value), _WIDTH - _RIGHT, scale.y(value), "grid") for value in (low, high)]
    body.append(svg_line(_LEFT, scale.y(0), _WIDTH - _RIGHT, scale.y(0), "axis"))
    mean, lower, upper = chart.curves["random"]
    body += [_between(lower, upper, scale), _path(mean, scale, chart.intact, "middle")]
    for order, kind in (("least", "curve"), ("most", "curve rg-curve--most")):
        mean, lower, upper = chart.curves[order]
        body += [*_bars(lower, upper, scale, kind), _path(mean, scale, chart.intact, kind)]
    shown = percent if chart.as_share else fixed
    body += [svg_text(_LEFT - 4, scale.y(value) + 4, shown(value), "end", "muted") for value in {low, high}]
    for place, share in enumerate((0.0, *chart.shares)):
        body.append(svg_text(scale.x(place), _HEIGHT - 18, percent(share) if share else "0", "middle", "muted"))
    body.append(svg_text(_WIDTH - _RIGHT, _HEIGHT - 4, "of all filters removed", "end", "muted"))
    return svg(_WIDTH, _HEIGHT, label, body, "removal")


class _Scale:
    """Where shares and values lie."""

    def __init__(self, shares: int, low: float, high: float) -> None:
        self._step = (_WIDTH - _LEFT - _RIGHT) / shares
        self._low, self._span = low, (high - low) or 1.0

    def x(self, place: int) -> float:
        return _LEFT + place * self._step

    def y(self, value: float) -> float:
        return _TOP + (_HEIGHT - _TOP - _BOTTOM) * (1 - (value - self._low) / self._span)


def _path(mean: Sequence[float], scale: _Scale, intact: float, kind: str) -> str:
    drawn = " ".join(f"{scale.x(i):.1f},{scale.y(value):.1f}" for i, value in enumerate((intact, *mean)))
    return f'<polyline points="{drawn}" class="{kind}"/>'


def _bars(lower: Sequence[float] | None, upper: Sequence[float] | None, scale: _Scale, kind: str) -> Sequence[str]:
    """Return the interval at each share; the two curves' stand a little apart."""
    aside = 2.5 if "most" in kind else -2.5
    ends = zip(lower or (), upper or (), strict=True)
    return [
        f'<g class="{kind}">'
        + svg_line(scale.x(i) + aside, scale.y(low), scale.x(i) + aside, scale.y(high), kind)
        + "</g>"
        for i, (low, high) in enumerate(ends, start=1)
    ]


def _between(lower: Sequence[float] | None, upper: Sequence[float] | None, scale: _Scale) -> str:
    """Return the band of the random draws."""
    if lower is None or upper is None:
        return ""
    above = [f"{scale.x(i):.1f},{scale.y(value):.1f}" for i, value in enumerate(upper, start=1)]
    below = [f"{scale.x(i):.1f},{scale.y(value):.1f}" for i, value in enumerate(lower, start=1)]
    return f'<polygon points="{" ".join([*above, *reversed(below)])}" class="band"/>'
