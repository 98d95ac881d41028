"""The pages of concepts say what was found, name no kernel that is not clear, and lead to the kernels' own pages."""

from __future__ import annotations

import re
from html import unescape
from pathlib import Path

from sample_run import HOSTILE_LABEL, LAYERS

from reportgen.audit.checks import checks
from reportgen.pages.concepts import CONCEPT_ROWS, concept_plots, concept_rows, standing_kernels
from reportgen.pages.kernel_index import KernelIndex
from reportgen.pages.kernel_list import kernel_list
from reportgen.pages.report import Report
from reportgen.records.finding import find_runs


def words(page: Path) -> str:
    html = page.read_text(encoding="utf-8")
    body = html[html.index("<article") : html.index("</article>")]
    return re.sub(r"\s+", " ", unescape(re.sub(r"<[^>]+>", " ", body)))


def test_a_concept_s_page_has_its_clear_kernels_with_their_clips(sample_site: Path) -> None:
    page = sample_site / "drift" / "concepts" / "wheels.html"
    text = words(page)
    assert "12 clips of “wheels” against 20 reference clips: of 256 kernels 8 respond clearly more" in text
    assert "2 reference clips are also a clip of the concept" in text
    assert "AUROC 0.99, 95% 0.98 to 1.00, 12 clips against 20, q 1.0·10⁻⁴" in text
    assert "6 of 12" in text  # clips shown of those that there are
    assert "6 more kernels are in the table below" in text
    assert f"{256 - CONCEPT_ROWS} more are in the file of all kernels" in text
    html = page.read_text(encoding="utf-8")
    assert html.count("rg-chart--responses") == len(LAYERS)
    assert 'href="../s2.res0.branch2.c/0007.html"' in html


def test_one_picture_s_page_shows_what_it_drives_and_calls_nothing_clear(sample_runs: Path) -> None:
    report = Report.of(find_runs(sample_runs))
    model = next(model for model in report.models if model.name == "drift")
    _, picture = model.concepts
    assert picture.name == HOSTILE_LABEL
    assert [one.clear for one in standing_kernels(model, picture)] == [False]
    assert [plot.layer for plot in concept_plots(model, picture)] == list(LAYERS)
    assert [(row.standing, row.view.was_tested) for row in concept_rows(model)] == [(8, True), (0, False)]


def test_kernels_search_and_audit_name_a_concept_where_it_is_clear(sample_site: Path, sample_runs: Path) -> None:
    clear = words(sample_site / "drift" / "s2.res0.branch2.c" / "0007.html")
    assert "Driven by the concept “wheels” (AUROC 0.91" in clear
    assert "Driven by the concept" not in words(sample_site / "drift" / "stem.conv" / "0007.html")
    report = Report.of(find_runs(sample_runs))
    model = next(model for model in report.models if model.name == "drift")
    listed = kernel_list(KernelIndex(model))
    first = model.census["stem.conv"]
    assert [listed["concepts"][place] for place in listed["concept"][first + 7]] == ["wheels"]
    assert 7 not in listed["concept"]
    assert list(model.census)[:2] == ["stem.conv", "s2.res0.branch2.c"]
    (row,) = [verdict for verdict in checks(model) if verdict.name == "Concepts that some kernel stands out for"]
    assert (row.state, row.figure) == ("pass", "1 of 1")
    assert "Not tested: 1" in row.meaning
