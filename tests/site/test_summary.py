"""The summary says what the site says: its figures are the site's, its sentences stand on pages."""

from __future__ import annotations

import html
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from reportgen.commands.export import export
from reportgen.errors import RenderError
from reportgen.outputs.model import PictureTable, ReportDocument, ReportFigure, Section, Statement, Table
from reportgen.outputs.paper.write import summary_html
from reportgen.outputs.pathway import Pathway
from reportgen.pages.registry import all_pages
from reportgen.pages.report import ModelView, Report
from reportgen.records.finding import find_runs
from reportgen.records.jobs import Failed
from reportgen.summary.document import summary_of
from reportgen.summary.shares import MOST_NETWORKS, spread


@pytest.fixture(scope="module")
def report(sample_runs: Path) -> Report:
    return Report.of(find_runs(sample_runs))


@pytest.fixture(scope="module")
def summary(report: Report) -> ReportDocument:
    return summary_of(report)


def sections(found: tuple[Section, ...]) -> Iterator[Section]:
    for section in found:
        yield section
        yield from sections(section.parts)


def words(page: Path) -> str:
    """The text of a page of the site, without tags and spaces."""
    text = html.unescape(re.sub(r"<[^>]*>", "", page.read_text(encoding="utf-8")))
    return re.sub(r"\s", "", text)


def test_its_tables_hold_the_sites_rows(report: Report, summary: ReportDocument) -> None:
    kept: dict[tuple[str, str], set[object]] = {}
    for page in all_pages(report):
        for block in page.blocks:
            table = block if isinstance(block, Table) else block.table()
            kept[page.uri, table.name.partition("-")[0]] = set(table.rows)
    compared = 0
    for section in sections(summary.sections):
        for table in section.data():
            rows = kept.get((section.address, table.name.partition("-")[0]))
            if rows and table.name in ("checks", "layers", "methods", "reliance", "stages", "removal-1"):
                assert set(table.rows) <= rows, f"{section.address}: {table.name}"
                compared += 1
    assert compared >= 6


def test_its_statements_stand_on_the_pages_that_they_name(summary: ReportDocument, sample_site: Path) -> None:
    found = [block for one in sections(summary.sections) for block in one.blocks if isinstance(block, Statement)]
    assert len(found) >= 5
    front = words(sample_site / "index.html")
    for statement in found:
        page = sample_site / statement.address.partition("#")[0].replace(".md", ".html")
        assert re.sub(r"\s", "", statement.text) in front + words(page)


def test_rows_of_kernels_say_what_their_cards_say(summary: ReportDocument, sample_site: Path) -> None:
    (first, *_) = [b for one in sections(summary.sections) for b in one.blocks if isinstance(b, PictureTable)]
    for row in first.rows:
        page = words(sample_site / row.address.replace(".md", ".html"))
        claim = re.sub(r"\s", "", re.split(r" [\d.]+× the best| Activation| Reference clip", row.text)[0])
        assert claim in page
        assert len(row.pictures) == len(first.heads)
        assert [len(one.shown) for one in row.pictures if one] == [4, 1, 4, 4]


def test_the_graph_draws_the_pyramids_own_figures(report: Report, summary: ReportDocument) -> None:
    pyramid = report.models[0].pyramids[0]
    charts = [b.chart for one in sections(summary.sections) for b in one.blocks if isinstance(b, ReportFigure)]
    (chart,) = [chart for chart in charts if isinstance(chart, Pathway)]
    known = {(f"#{node.index}", node.depth, node.relevance) for node in pyramid.graph.nodes if node.depth}
    drawn = [(node.name, node.depth, node.value) for node in chart.nodes if node.depth]
    assert set(drawn) <= known
    assert len(drawn) >= 10
    assert all(chart.nodes[edge.source].depth > chart.nodes[edge.target].depth for edge in chart.edges)
    contributions = {edge.contribution for edge in pyramid.graph.edges}
    assert {edge.value for edge in chart.edges} <= contributions


def failed(model: ModelView) -> ModelView:
    """The network as if every one of its jobs had failed."""
    broken = [
        r.model_copy(update={"outcome": Failed(message="the disk is full", error="OSError")})
        for r in model.manifest.records
    ]
    manifest = model.manifest.model_copy(update={"records": tuple(broken)})
    return ModelView(model.store, manifest, model.name, model.title, several=False, extras=model._extras)


def test_where_all_jobs_failed_it_says_so(report: Report) -> None:
    document = summary_of(Report((failed(report.models[0]),)))
    page = summary_html(document, lambda _: "")
    assert "Failed: the disk is full" in page
    assert "Jobs that failed" in page
    assert "Stage by stage" not in page or "<img" not in page.partition("Stage by stage")[2].partition("<h2")[0]


def test_a_run_without_records_and_a_report_without_runs(report: Report) -> None:
    model = report.models[0]
    empty = ModelView(
        model.store,
        model.manifest.model_copy(update={"records": ()}),
        model.name,
        model.title,
        several=False,
        extras=model._extras,
    )
    assert "<h2>Audit" in summary_html(summary_of(Report((empty,))), lambda _: "")
    with pytest.raises(RenderError, match="no run"):
        summary_of(Report(()))


def test_many_networks_are_listed_and_the_first_are_shown(report: Report) -> None:
    model = report.models[1]
    many = Report(tuple([model] * (MOST_NETWORKS + 2)))
    document = summary_of(many)
    chapters = [section for section in document.sections if section.parts and section.title == model.title]
    assert len(chapters) == MOST_NETWORKS
    (networks,) = [block for block in document.sections[0].blocks if isinstance(block, Table)]
    assert len(networks.rows) == MOST_NETWORKS + 2


def test_what_is_spread_keeps_both_ends() -> None:
    assert spread(list(range(10)), 4) == [0, 3, 6, 9]
    assert spread([1, 2], 4) == [1, 2]
    assert spread([1, 2, 3], 1) == [1]


@pytest.mark.long  # the anonymous summary as HTML and as records is tested in test_anonymous
@pytest.mark.parametrize("form", ["latex", "html"])
def test_an_anonymous_summary_says_neither_who_made_it_nor_how_to_cite_it(
    form: str, sample_runs: Path, tmp_path: Path
) -> None:
    if form == "latex":
        pytest.importorskip("weasyprint", exc_type=ImportError)
    target = export(sample_runs / "drift", form, to=tmp_path / "out", anonymous=True)
    paths = [target] if target.is_file() else [path for path in target.rglob("*") if path.suffix in (".tex", ".bib")]
    text = "".join(path.read_text(encoding="utf-8") for path in paths)
    assert "anonymous copy" in text
    assert "ab" * 6 not in text
    assert "Cite this report" not in text
    assert "@misc{what-the-kernels" not in text
