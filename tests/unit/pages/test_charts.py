"""Charts are valid SVG whose marks are where their values are."""

from __future__ import annotations

import xml.etree.ElementTree as ET

import pytest
from markupsafe import Markup

from reportgen.pages import charts
from reportgen.pages.charts import Interval
from reportgen.reading.ablation import Drop


def marks(chart: Markup, kind: str) -> list[ET.Element]:
    return [element for element in ET.fromstring(str(chart)).iter() if element.get("class") == kind]


@pytest.mark.parametrize(
    "chart",
    [
        charts.curve([0.0, 1.0, 4.0], "<a> & b", "steps"),
        charts.curve([-1.0, -1.0], "flat", "steps"),
        charts.profile([0.0, 0.0], "silent"),
        charts.histogram([1.0, 1.0, 2.0], "<b>", "px/frame"),
        charts.rose([0.0, 90.0, 91.0], "<rose>"),
        charts.drops([Drop("<layer>", -0.5, 0.1, -0.2, 0.4)], "drops"),
        charts.drops([Drop("none", 0.0, 0.0, 0.0, 0.0)], "drops"),
        charts.intervals([Interval("<class>", 0.5, 0.4, 0.6), Interval("b", 1.4, None, None)], "reliance"),
    ],
)
def test_every_chart_is_well_formed_and_labelled(chart: Markup) -> None:
    root = ET.fromstring(str(chart))
    assert root.get("role") == "img"
    assert root.get("aria-label")


def test_a_profile_has_one_bar_per_frame_as_high_as_its_value() -> None:
    bars = marks(charts.profile([1.0, 2.0, 0.0], "p"), "bar")
    heights = [float(bar.get("height", "")) for bar in bars]
    assert heights[0] == pytest.approx(heights[1] / 2)
    assert heights[2] == 0


def test_a_histogram_counts_every_value_once() -> None:
    titles = [bar[0].text or "" for bar in marks(charts.histogram([0.0, 0.1, 5.0, 10.0], "h", "px"), "bar")]
    assert sum(int(title.rpartition(": ")[2]) for title in titles) == 4


def test_a_rose_points_where_the_kernels_do() -> None:
    petals = marks(charts.rose([90.0, 92.0], "down"), "petal")
    assert len(petals) == 1
    ys = [float(point.split(",")[1].split()[0]) for point in (petals[0].get("d") or "").split("L")[1:]]
    assert all(y > 110 for y in ys)


@pytest.mark.parametrize(("degrees", "hue"), [(0, 0), (90, 60), (180, 180), (270, 262), (-90, 262), (45, 30)])
def test_directions_have_the_hues_of_the_wheel(degrees: float, hue: float) -> None:
    assert charts.wheel_hue(degrees) == hue


def test_drops_share_one_scale_with_their_random_interval() -> None:
    chart = charts.drops([Drop("a", 4.0, 1.0, 0.5, 2.0), Drop("b", 2.0, 1.0, 0.5, 2.0)], "drops")
    widths = [float(bar.get("width", "")) for bar in marks(chart, "bar")]
    assert widths[0] == pytest.approx(2 * widths[1], abs=0.2)
    lines = [line for line in marks(chart, "interval") if line.get("y1") == line.get("y2")]
    spans = [float(line.get("x2", "")) - float(line.get("x1", "")) for line in lines]
    assert spans[0] == pytest.approx(widths[1] * 1.5 / 2.0, abs=0.2)


def test_intervals_lie_about_their_value_on_one_scale() -> None:
    chart = charts.intervals([Interval("a", 0.5, 0.25, 0.75), Interval("b", 1.0, None, None)], "reliance")
    centres = [float(dot.get("cx", "")) for dot in marks(chart, "bar")]
    (line,) = marks(chart, "interval")
    ends = float(line.get("x1", "")), float(line.get("x2", ""))
    assert sum(ends) / 2 == pytest.approx(centres[0], abs=0.1)
    assert ends[1] - ends[0] == pytest.approx(centres[1] - centres[0], abs=0.2)


def test_an_axis_that_is_cut_says_so_at_the_end_where_it_is_cut() -> None:
    def texts(values: list[float]) -> list[str]:
        chart = ET.fromstring(str(charts.histogram(values, "reliance", "", ends=(-0.2, 1.2))))
        return [element.text or "" for element in chart.iter() if element.tag.endswith("text")]

    assert {"−0.20 or less", "1.2 or more"} <= set(texts([-1543.0, 0.5, 7.0]))
    assert {"−0.20 or less", "0.90"} <= set(texts([-1543.0, 0.5, 0.9]))
    for whole in ([-0.1, 0.5, 1.1], [2.0, 3.0]):
        assert not any("or less" in text or "or more" in text for text in texts(whole))
    bars = marks(charts.histogram([-1543.0, -2.0, 0.5, 1.0], "reliance", "", ends=(-0.2, 1.2)), "bar")
    titles = [bar[0].text or "" for bar in bars]
    assert titles[0] == "−0.10 or less: 2"
    assert titles[-1] == "0.90 to 1.0: 1"
