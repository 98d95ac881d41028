"""A figure of the neutral model as SVG: which kind of chart is drawn by what."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from markupsafe import Markup

from reportgen.outputs import charts
from reportgen.outputs.model import ReportFigure
from reportgen.outputs.site import bars, lines

_WRITERS: dict[type, Callable[[Any, str], Markup]] = {
    charts.StepCurve: lines.curve,
    charts.FrameProfiles: lines.profiles,
    charts.UsualBand: lines.band,
    charts.Fidelity: lines.fidelity,
    charts.RemovalCurves: lines.removal,
    charts.Histogram: bars.histogram,
    charts.Rose: bars.rose,
    charts.Drops: bars.drops,
    charts.Intervals: bars.intervals,
    charts.Shared: bars.shared,
}


def draw(figure: ReportFigure, href: Callable[[str], str]) -> Markup:
    """Return a figure as one SVG element; `href` makes an address of the report one that its page can follow.

    Raises KeyError for a chart that this writer does not know.
    """
    if isinstance(figure.chart, charts.Pieces):
        return bars.divided(figure.chart, figure.alt, href)
    return _WRITERS[type(figure.chart)](figure.chart, figure.alt)
