"""The page that compares pyramids, from the sample run: two classes on one clip."""

from __future__ import annotations

from pathlib import Path

import pytest

from reportgen.outputs.site.draw import draw
from reportgen.pages.pyramid_compare import across, comparison_figure, pages
from reportgen.pages.report import Report
from reportgen.records.finding import find_runs
from reportgen.records.pyramid_compare import LayerComparison, PyramidComparison


@pytest.fixture(scope="module")
def report(sample_runs: Path) -> Report:
    return Report.of(find_runs(sample_runs))


def test_two_classes_on_one_clip_are_compared_once(report: Report) -> None:
    (page,) = pages(report)
    assert page.uri == "drift/pyramids.md"
    (pair,) = page.context["pairs"]
    assert pair.what == "two classes on one clip"
    assert len(page.sources) == 2
    share = pair.comparison.jaccard
    assert share == 1.0  # the sample's pyramids keep the same kernels
    assert [[cell.words for cell in cells] for _, cells in page.context["matrix"]] == [["–", "100%"], ["100%", "–"]]
    assert len(page.context["spreads"]) == 0


def test_networks_of_other_layers_are_not_put_side_by_side(report: Report) -> None:
    drift = next(model for model in report.models if model.run.model == "drift")
    assert across(drift, report.models) == []


def test_a_layer_without_kept_kernels_is_drawn_without_bars() -> None:
    empty = LayerComparison("a", 1, 4, 0, 0, 0, 0.0, None)
    drawn = draw(comparison_figure("one", PyramidComparison((empty,), (), 0, 0), "<b>", "second"), str)
    assert "<b>" not in drawn
    assert 'width="0.0"' in drawn
