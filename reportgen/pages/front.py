"""The front page: what was audited, and what was found."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from reportgen.audit.checks import Headline, checks, headlines
from reportgen.audit.verdicts import WORST_FIRST, State
from reportgen.outputs.model import Table
from reportgen.pages.cards import Card, kernel_card
from reportgen.pages.citing import citation_of, social_card
from reportgen.pages.findings import ShownFinding, shown_findings
from reportgen.pages.front_tables import results_table
from reportgen.pages.page import Found, Page, PlainText
from reportgen.pages.report import ModelView, Report
from reportgen.reading.chosen import choice_in_words
from reportgen.reading.excerpt import Excerpt
from reportgen.records.root_digest import UNSEALED
from reportgen.summary.citation_file import CITATION_FILE
from reportgen.summary.ro_crate import CRATE_FILE

STAGE_EXAMPLES = 3
"""Kernels per stage in the result table, as in the published one."""


MOST_STAGES = 8
"""Layers in the result table, as many as the longest published one has; the network's own page has all of them."""


@dataclass(frozen=True)
class StageRow:
    """One row of the result table."""

    title: str
    layer: str
    uri: str
    cards: Excerpt[Card]


@dataclass(frozen=True)
class FrontModel:
    """What the front page shows of a model."""

    model: ModelView
    findings: list[ShownFinding]
    counts: list[tuple[State, int]]
    headlines: list[Headline]
    rows: Excerpt[StageRow]
    results: Table
    examples: int
    choice: str
    plain: bool


def stage_rows(model: ModelView, most: int) -> Excerpt[StageRow]:
    """Return the result table of a model: stages down, examples across; of many stages some over the whole depth."""
    layers = list(model.kernels.items())
    places = np.unique(np.linspace(0, len(layers) - 1, min(MOST_STAGES, len(layers))).round().astype(int)).tolist()
    rows = [
        StageRow(
            model.stage_title(layer),
            layer,
            model.addresses.layer(layer),
            Excerpt.of(views, most).map(lambda view: kernel_card(model, view)),
        )
        for layer, views in (layers[place] for place in places)
    ]
    return Excerpt(tuple(rows), len(layers))


LEFT_OUT = "left-out.txt"
"""Where a report that was made smaller says what it is without."""


def summarize(model: ModelView) -> FrontModel:
    """Return what the front page shows of a model."""
    rows = stage_rows(model, STAGE_EXAMPLES)
    states = Counter(row.state for row in checks(model))
    return FrontModel(
        model=model,
        findings=shown_findings(model),
        counts=[(state, states[state]) for state in WORST_FIRST if states[state]],
        headlines=headlines(model),
        rows=rows,
        results=results_table(model, (view for views in model.kernels.values() for view in views[:STAGE_EXAMPLES])),
        examples=max((len(row.cards) for row in rows), default=0),
        choice=choice_in_words(model, rows.shown[0].layer) if rows.shown else "",
        plain=any(card.plain for row in rows for card in row.cards),
    )


def _left_out(report: Report) -> Iterator[PlainText]:
    """Yield the file that says what a report is without that was made smaller."""
    sentences = report.left_out
    if sentences:
        head = "This copy of the report was made smaller (--max-size of reportgen export). What it is without:"
        yield PlainText(LEFT_OUT, "\n".join((head, "", *(f"- {sentence}" for sentence in sentences), "")))


def pages(report: Report) -> Iterator[Page]:
    """Yield the front page."""
    summaries = [summarize(model) for model in report.models]
    found = [one for summary in summaries for one in summary.findings]
    sources = tuple(view.sources for model in report.models for view in model.all_kernels)
    yield Page(
        uri="index.md",
        title=f"{report.title}: what its kernels see",
        template="pages/front.md.j2",
        context={
            "summaries": summaries,
            "report": report,
            "citation": citation_of(report, UNSEALED),
            "list": LEFT_OUT,
            "records": (CITATION_FILE, CRATE_FILE),
        },
        description=next((one.finding.sentence for one in found), ""),
        assets=(social_card(report, found), *_left_out(report)),
        sources=tuple(key for keys in sources for key in keys),
        blocks=tuple(summary.results for summary in summaries if summary.rows.total),
        nav=(),
        nav_title="Report",
        wide=True,
        finder=Found("Report", "front page"),
    )
