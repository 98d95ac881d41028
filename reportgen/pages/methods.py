"""Methods and limits: how it was made, and what it cannot show."""

from __future__ import annotations

from collections.abc import Iterator

from reportgen.audit.null_rates import NullRates, Rate, null_rates
from reportgen.outputs.model import Cell, Column, Table, columns
from reportgen.pages.known_tables import answer_troubles, shown_answers
from reportgen.pages.method_examples import method_examples
from reportgen.pages.method_notes import NOTES_BY_ANCHOR
from reportgen.pages.page import Found, Page
from reportgen.pages.report import Report

SECTIONS = {
    "kernels": ("Activation maximisation", "stage 1 synthetic clip optimisation"),
    "multiscale": ("Multi-scale filters", "many sizes from noise"),
    "decomposition": ("Texture and motion", "decomposition optical flow psnr"),
    "pyramid": ("Class pyramids", "class feature pyramid relevance attribution conservation"),
    "saliency": ("Saliency", "gradients grad-cam integrated faithfulness insertion deletion"),
    "evidence": ("Reference clips as evidence", "labels auroc duplicates dead"),
    "path": ("Natural path and other seeds", "fooling seeds agree"),
    "concepts": ("Hypothesis tests on concepts", "concept q score mann-whitney"),
    "weight-gradients": ("Weight gradients", "importance removal"),
    "responses": ("Response maps", "maps order volume"),
    "motion": ("Motion or appearance", "probes frozen dissolved shuffled backwards reliance"),
    "limits": ("Limits", "what these methods cannot show"),
    "verdicts": ("Verdicts", "thresholds null rates pass warn fail"),
}
"""The sections of the page by their anchors, as the finder knows them."""


def rates_table(rates: NullRates) -> Table:
    """Return how often each verdict passes on nulls, where it must not, and on what was planted, where it must."""
    passes = Column("Passes", "count", parts=("passed", "of"), joined=" of ")
    interval = Column("95% interval", "percent1", parts=("low", "high"))
    told: list[tuple[Cell, ...]] = [
        (row.verdict, row.null, *_rate(row.null_rate), row.planted, *_rate(row.power)) for row in rates.cases
    ]
    heads = columns("Verdict or sentence", "Null", passes, interval, "Planted", passes, interval)
    caption = f"Measured with reportgen {rates.reportgen} and torch {rates.torch}, seeds from {rates.first_seed}."
    return Table("null-rates", "How often verdicts pass", heads, tuple(told), caption)


def _rate(rate: Rate) -> tuple[Cell, Cell]:
    return (rate.passed, rate.of), (rate.low, rate.high)


def pages(report: Report) -> Iterator[Page]:
    """Yield the one page; its figures are those that the test suite requires."""
    rates = rates_table(null_rates())
    known = shown_answers(report.models)
    yield Page(
        uri="methods.md",
        title="Methods and limits",
        template="pages/methods.md.j2",
        context={
            "report": report,
            "rates": rates,
            "examples": method_examples(report.models),
            "notes": NOTES_BY_ANCHOR,
            "computed": known,
            "troubles": answer_troubles(report.models),
        },
        nav=(),
        nav_title="Methods and limits",
        blocks=(*(answer.table for answer in known.values()), rates),
        finder=Found("Methods and limits", "how it was made", "formula caveats citation threshold"),
        also_found=tuple((part, Found(title, "method", words)) for part, (title, words) in SECTIONS.items()),
    )
