"""What is left of a network's answer while filters are removed, as a chart of one score."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import Markup

from reportgen.audit.importance import MEASURES, SCORE_NAMES
from reportgen.pages.svg import svg, svg_line, svg_text
from reportgen.reading.format import fixed, percent
from reportgen.records.answers.weight_gradients import ImportanceTest, RemovalCurve

_WIDTH, _HEIGHT, _LEFT, _RIGHT, _TOP, _BOTTOM = 320, 190, 34, 10, 12, 34


@dataclass(frozen=True)
class ScoreChart:
    """The curves of one score."""

    name: str
    chart: Markup


def score_charts(test: ImportanceTest) -> list[ScoreChart]:
    """Return the curves of each score, the best one first."""
    return [
        ScoreChart(
            SCORE_NAMES[row.score],
            removal_chart(
                test, row.score, f"{MEASURES[test.measure]} while filters are removed by {SCORE_NAMES[row.score]}"
            ),
        )
        for row in test.scores
    ]


def removal_chart(test: ImportanceTest, score: str, label: str) -> Markup:
    """Return the curves of one score with their intervals, over the band of random filters.

    Shares are equal steps apart, from no filter on.
    """
    curves = {curve.order: curve for curve in test.curves if curve.score in {score, "random"}}
    ends = [value for curve in test.curves for value in (*curve.mean, *(curve.low or ()), *(curve.high or ()))]
    low, high = min([0.0, test.intact, *ends]), max([0.0, test.intact, *ends])
    scale = _Scale(len(test.shares), low, high)
    body = [svg_line(_LEFT, scale.y(value), _WIDTH - _RIGHT, scale.y(value), "grid") for value in (low, high)]
    body.append(svg_line(_LEFT, scale.y(0), _WIDTH - _RIGHT, scale.y(0), "axis"))
    body += [_band(curves["random"], scale), _path(curves["random"], scale, test.intact, "middle")]
    for curve, kind in ((curves["least"], "curve"), (curves["most"], "curve rg-curve--most")):
        body += [*_bars(curve, scale, kind), _path(curve, scale, test.intact, kind)]
    shown = percent if test.measure == "accuracy" else fixed
    body += [svg_text(_LEFT - 4, scale.y(value) + 4, shown(value), "end", "muted") for value in {low, high}]
    for place, share in enumerate((0.0, *test.shares)):
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


def _path(curve: RemovalCurve, scale: _Scale, intact: float, kind: str) -> str:
    points = " ".join(f"{scale.x(i):.1f},{scale.y(value):.1f}" for i, value in enumerate((intact, *curve.mean)))
    return f'<polyline points="{points}" class="{kind}"/>'


def _bars(curve: RemovalCurve, scale: _Scale, kind: str) -> Sequence[str]:
    """Return the interval at each share; the two curves' stand a little apart."""
    aside = 2.5 if "most" in kind else -2.5
    ends = zip(curve.low or (), curve.high or (), strict=True)
    return [
        f'<g class="{kind}">'
        + svg_line(scale.x(i) + aside, scale.y(low), scale.x(i) + aside, scale.y(high), kind)
        + "</g>"
        for i, (low, high) in enumerate(ends, start=1)
    ]


def _band(curve: RemovalCurve, scale: _Scale) -> str:
    """Return the band of the random draws."""
    if curve.low is None or curve.high is None:
        return ""
    upper = [f"{scale.x(i):.1f},{scale.y(value):.1f}" for i, value in enumerate(curve.high, start=1)]
    lower = [f"{scale.x(i):.1f},{scale.y(value):.1f}" for i, value in enumerate(curve.low, start=1)]
    return f'<polygon points="{" ".join([*upper, *reversed(lower)])}" class="band"/>'
