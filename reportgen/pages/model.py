"""A model's page: what the network is made of, stage by stage."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from reportgen.audit.checks import headlines
from reportgen.pages.cards import Card, kernel_card
from reportgen.pages.comparable import Comparable
from reportgen.pages.model_tables import model_tables
from reportgen.pages.page import Found, Page
from reportgen.pages.report import ModelView, Report
from reportgen.reading.excerpt import Excerpt
from reportgen.records.manifest import LayerFacts

STAGE_KERNELS = 8
"""Cards per rung of the ladder."""


@dataclass(frozen=True)
class Rung:
    """One stage of the ladder."""

    title: str
    layer: str
    facts: LayerFacts | None
    uri: str
    cards: Excerpt[Card]


def rungs(model: ModelView) -> list[Rung]:
    """Return the stages in the network's order."""
    return [
        Rung(
            model.stage_title(layer),
            layer,
            model.layers.get(layer),
            model.addresses.layer(layer),
            Excerpt.of(views, STAGE_KERNELS).map(lambda view: kernel_card(model, view)),
        )
        for layer, views in model.kernels.items()
    ]


def _compared(model: ModelView) -> Comparable:
    """Return the network with one kernel of each stage, as it stands beside others."""
    card = model.run.card
    first = [(model.stage_title(layer), kernel_card(model, views[0]).stage1) for layer, views in model.kernels.items()]
    figures = (
        ("architecture", card.title),
        ("weights", "untrained" if model.run.weights.untrained else model.run.weights.digest(12)),
        *((item.what, item.value) for item in headlines(model)),
    )
    pictures = tuple((title, clip) for title, clip in first if clip)
    return Comparable("network", model.title, model.title, pictures, figures, (("architecture", card.name),))


def pages(report: Report) -> Iterator[Page]:
    """Yield one page per model."""
    for model in report.models:
        tables = tuple(model_tables(model))
        yield Page(
            uri=model.addresses.home,
            title=model.title,
            template="pages/model.md.j2",
            context={
                "model": model,
                "rungs": rungs(model),
                "headlines": headlines(model),
                "tables": {table.name: table for table in tables},
            },
            sources=tuple(key for view in model.all_kernels for key in view.sources),
            nav=(model.title,),
            nav_title="Overview",
            wide=True,
            blocks=tables,
            compared=_compared(model),
            finder=Found(model.title, "network", f"{model.name} {model.run.card.name} {model.run.card.title}"),
        )
