"""Charts are valid SVG whose marks are where their values are."""

from __future__ import annotations

import csv
import xml.etree.ElementTree as ET
from io import StringIO

import pytest
from markupsafe import Markup

from reportgen.outputs import charts
from reportgen.outputs.charts import (
    Drops,
    Fidelity,
    FrameProfiles,
    Histogram,
    Interval,
    Intervals,
    Kept,
    Piece,
    Pieces,
    RemovalCurves,
    Rose,
    Shared,
    StepCurve,
    UsualBand,
)
from reportgen.outputs.comma_separated import csv_text
from reportgen.outputs.model import Chart, ReportFigure
from reportgen.outputs.site.bars import wheel_hue
from reportgen.outputs.site.draw import draw
from reportgen.reading.ablation import Drop


def marks(chart: Markup, kind: str) -> list[ET.Element]:
    return [element for element in ET.fromstring(str(chart)).iter() if element.get("class") == kind]


def drawn(chart: Chart, alt: str = "alt") -> Markup:
    return draw(ReportFigure("one", chart, alt), str)


CHARTS: list[Chart] = [
    StepCurve([0.0, 1.0, 4.0], "steps"),
    StepCurve([-1.0, -1.0], "steps"),
    FrameProfiles((("silent", [0.0, 0.0]), ("<b>", [1.0, 2.0, 3.0]))),
    Histogram([1.0, 1.0, 2.0], "px/frame"),
    Rose([0.0, 90.0, 91.0]),
    Drops([Drop("<layer>", -0.5, 0.1, -0.2, 0.4), Drop("none", 0.0, None, None, None)]),
    Intervals([Interval("<class>", 0.5, 0.4, 0.6), Interval("b", 1.4, None, None)], "reliance"),
    UsualBand([1.0, 2.0], [0.0, 0.0], [0.5, 0.5], [1.0, 1.0], [1]),
    Fidelity([0.0, 0.5, 1.0], [3.0, 2.0, 1.0], [2.0, 1.0, 0.0]),
    RemovalCurves(
        [0.1, 0.5],
        1.0,
        "logit",
        {
            "random": ([0.9, 0.5], [0.8, 0.4], [1.0, 0.6]),
            "least": ([1.0, 0.9], None, None),
            "most": ([0.1, 0.0], None, None),
        },
        (0.0, 1.0),
    ),
    Shared("<first>", "second", [Kept("layer", 1, 2, 3, 1 / 3, 0.5), Kept("other", 0, 0, 0, None, None)]),
    Pieces([("layer", [Piece("a #1", 0.5, 2.0, "page.md", 0.3), Piece("all other kernels", 0.5, 2.0, others=True)])]),
]


@pytest.mark.parametrize("chart", CHARTS, ids=lambda chart: type(chart).__name__)
def test_every_chart_is_well_formed_and_labelled(chart: Chart) -> None:
    root = ET.fromstring(str(drawn(chart, "<a> & b")))
    assert root.get("role") in ("img", "group")
    assert (root.get("aria-label") or "").startswith("<a> & b")


@pytest.mark.parametrize("chart", CHARTS, ids=lambda chart: type(chart).__name__)
def test_the_data_of_every_chart_is_a_table(chart: Chart) -> None:
    lines = list(csv.reader(StringIO(csv_text(ReportFigure("one", chart, "alt").table()))))
    assert len(lines) > 1
    assert {len(line) for line in lines} == {len(lines[0])}


def test_every_kind_of_chart_is_among_those_that_are_tried() -> None:
    kinds = {kind for kind in vars(charts).values() if isinstance(kind, type) and hasattr(kind, "table")}
    assert kinds - {ReportFigure} == {type(chart) for chart in CHARTS}


def test_a_profile_has_one_bar_per_frame_as_high_as_its_value() -> None:
    bars = marks(drawn(FrameProfiles((("p", [1.0, 2.0, 0.0]),))), "bar")
    heights = [float(bar.get("height", "")) for bar in bars]
    assert heights[0] == pytest.approx(heights[1] / 2)
    assert heights[2] == 0


def test_a_histogram_counts_every_value_once() -> None:
    titles = [bar[0].text or "" for bar in marks(drawn(Histogram([0.0, 0.1, 5.0, 10.0], "px")), "bar")]
    assert sum(int(title.rpartition(": ")[2]) for title in titles) == 4


def test_a_rose_points_where_the_kernels_do() -> None:
    petals = marks(drawn(Rose([90.0, 92.0])), "petal")
    assert len(petals) == 1
    ys = [float(point.split(",")[1].split()[0]) for point in (petals[0].get("d") or "").split("L")[1:]]
    assert all(y > 110 for y in ys)


@pytest.mark.parametrize(("degrees", "hue"), [(0, 0), (90, 60), (180, 180), (270, 262), (-90, 262), (45, 30)])
def test_directions_have_the_hues_of_the_wheel(degrees: float, hue: float) -> None:
    assert wheel_hue(degrees) == hue


def test_drops_share_one_scale_with_their_random_interval() -> None:
    chart = drawn(Drops([Drop("a", 4.0, 1.0, 0.5, 2.0), Drop("b", 2.0, 1.0, 0.5, 2.0)]))
    widths = [float(bar.get("width", "")) for bar in marks(chart, "bar")]
    assert widths[0] == pytest.approx(2 * widths[1], abs=0.2)
    lines = [line for line in marks(chart, "interval") if line.get("y1") == line.get("y2")]
    spans = [float(line.get("x2", "")) - float(line.get("x1", "")) for line in lines]
    assert spans[0] == pytest.approx(widths[1] * 1.5 / 2.0, abs=0.2)


def test_intervals_lie_about_their_value_on_one_scale() -> None:
    chart = drawn(Intervals([Interval("a", 0.5, 0.25, 0.75), Interval("b", 1.0, None, None)], "reliance"))
    centres = [float(dot.get("cx", "")) for dot in marks(chart, "bar")]
    (line,) = marks(chart, "interval")
    ends = float(line.get("x1", "")), float(line.get("x2", ""))
    assert sum(ends) / 2 == pytest.approx(centres[0], abs=0.1)
    assert ends[1] - ends[0] == pytest.approx(centres[1] - centres[0], abs=0.2)


def test_an_axis_that_is_cut_says_so_at_the_end_where_it_is_cut() -> None:
    def texts(values: list[float]) -> list[str]:
        chart = ET.fromstring(str(drawn(Histogram(values, ends=(-0.2, 1.2)))))
        return [element.text or "" for element in chart.iter() if element.tag.endswith("text")]

    assert {"−0.20 or less", "1.2 or more"} <= set(texts([-1543.0, 0.5, 7.0]))
    assert {"−0.20 or less", "0.90"} <= set(texts([-1543.0, 0.5, 0.9]))
    for whole in ([-0.1, 0.5, 1.1], [2.0, 3.0]):
        assert not any("or less" in text or "or more" in text for text in texts(whole))
    bars = marks(drawn(Histogram([-1543.0, -2.0, 0.5, 1.0], ends=(-0.2, 1.2))), "bar")
    titles = [bar[0].text or "" for bar in bars]
    assert titles[0] == "−0.10 or less: 2"
    assert titles[-1] == "0.90 to 1.0: 1"


def test_of_several_profiles_one_is_seen() -> None:
    chart = ET.fromstring(str(drawn(FrameProfiles((("a", [1.0, 2.0]), ("b", [2.0, 1.0])), "b"))))
    series = {group.get("data-series"): group.get("display") for group in chart.iter() if group.get("data-series")}
    assert series == {"a": "none", "b": None}


def test_the_ends_of_a_cut_axis_are_open_in_its_table() -> None:
    _, found = Histogram([-1543.0, 0.5, 7.0], ends=(-0.2, 1.2)).table()
    assert found[0][0] is None
    assert found[-1][1] is None
