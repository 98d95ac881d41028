"""The front page: what was audited, and what was found."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from reportgen.audit.checks import Headline, headlines
from reportgen.pages.cards import Card, best_supported, kernel_card
from reportgen.pages.page import Found, Page
from reportgen.pages.report import ModelView, Report
from reportgen.reading.chosen import choice_in_words
from reportgen.reading.excerpt import Excerpt

STAGE_EXAMPLES = 3
"""Kernels per stage in the result table, as in the published one."""

STRIKING = 6
"""Stages of which one kernel stands above the figures."""


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
    strip: Excerpt[Card]
    headlines: list[Headline]
    rows: list[StageRow]
    examples: int
    choice: str


def stage_rows(model: ModelView, most: int) -> list[StageRow]:
    """Return the result table of a model: stages down, examples across."""
    return [
        StageRow(
            model.stage_title(layer),
            layer,
            model.addresses.layer(layer),
            Excerpt.of(views, most).map(lambda view: kernel_card(model, view)),
        )
        for layer, views in model.kernels.items()
    ]


def summarize(model: ModelView) -> FrontModel:
    """Return what the front page shows of a model."""
    rows = stage_rows(model, STAGE_EXAMPLES)
    best = [view for views in model.kernels.values() for view in best_supported(views, 1, model.limits)]
    return FrontModel(
        model=model,
        strip=Excerpt.of(best, STRIKING).map(lambda view: kernel_card(model, view)),
        headlines=headlines(model),
        rows=rows,
        examples=max((len(row.cards) for row in rows), default=0),
        choice=choice_in_words(model, rows[0].layer) if rows else "",
    )


def pages(report: Report) -> Iterator[Page]:
    """Yield the front page."""
    summaries = [summarize(model) for model in report.models]
    sources = tuple(view.sources for model in report.models for view in model.all_kernels)
    yield Page(
        uri="index.md",
        title=f"{report.title}: what its kernels see",
        template="pages/front.md.j2",
        context={"summaries": summaries, "report": report},
        sources=tuple(key for keys in sources for key in keys),
        nav=(),
        nav_title="Report",
        wide=True,
        finder=Found("Report", "front page"),
    )
