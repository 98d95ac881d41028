"""A model's page: what the network is made of, stage by stage."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from reportgen.audit.checks import headlines
from reportgen.pages.cards import Card, kernel_card
from reportgen.pages.comparable import Comparable
from reportgen.pages.page import Found, Page
from reportgen.pages.report import ModelView, Report
from reportgen.reading.excerpt import Excerpt
from reportgen.reading.format import percent, plain
from reportgen.records.manifest import ClipFacts, LayerFacts

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


@dataclass(frozen=True)
class ClipRow:
    """A clip that the report is about, with the links to what was found on it."""

    facts: ClipFacts
    uri: str
    label: str
    top: str
    pyramids: list[tuple[str, str]]


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


PUBLISHED = {
    "joint_accuracy": "Clips whose texture and motion it both names",
    "texture_accuracy": "Clips whose texture it names",
    "motion_accuracy": "Clips whose motion it names",
    "frozen_called_static": "Frozen clips that it calls static",
    "reversed_called_opposite": "Clips played backwards of which it names the opposite motion",
    "clips": "Clips that these shares are of",
    "kinetics400_top1": "Kinetics-400, top 1, per cent",
    "kinetics400_top5": "Kinetics-400, top 5, per cent",
    "kinetics400_mean_of_top1_and_top5": "Kinetics-400, mean of top 1 and top 5, per cent",
    "imagenet_top1": "ImageNet, top 1, per cent",
    "imagenet_top5": "ImageNet, top 5, per cent",
    "flying_chairs_endpoint_error_px": "Flying Chairs, endpoint error, px",
}
"""What the figures of the cards are called on a page."""


def published_row(name: str, value: float) -> tuple[str, str]:
    """Return a figure of a card in words, and its value: a share as a percentage, if its name says that it is one."""
    words = PUBLISHED.get(name, name.replace("_", " ").capitalize())
    is_share = words.startswith(("Clips whose", "Frozen clips", "Clips played"))
    return words, percent(value, 1) if is_share else plain(value)


def clip_rows(model: ModelView) -> list[ClipRow]:
    """Return the clips of the report."""
    rows = []
    for clip in model.subjects:
        asked = model.on_clip("pyramid", clip.name)
        links = [(model.question(view.target), model.addresses.pyramid(view.clip, view.target)) for view in asked]
        label = "" if clip.label is None else model.label(clip.label)
        top = model.label(clip.predictions[0][0]) if clip.predictions else ""
        rows.append(ClipRow(clip, model.addresses.clip(clip.name), label, top, links))
    return rows


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
        yield Page(
            uri=model.addresses.home,
            title=model.title,
            template="pages/model.md.j2",
            context={
                "model": model,
                "rungs": rungs(model),
                "clips": clip_rows(model),
                "headlines": headlines(model),
                "published": [published_row(name, value) for name, value in model.run.card.figures.items()],
            },
            sources=tuple(key for view in model.all_kernels for key in view.sources),
            nav=(model.title,),
            nav_title="Overview",
            wide=True,
            compared=_compared(model),
            finder=Found(model.title, "network", f"{model.name} {model.run.card.name} {model.run.card.title}"),
        )
