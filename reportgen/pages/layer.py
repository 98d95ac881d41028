"""A layer's page: the cards of its kernels, and how their speeds, directions and activations are spread."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

from reportgen.audit.limits import Limits
from reportgen.audit.moving import moving_texture, one_direction
from reportgen.audit.silence import known_reliance, known_times, near_silent
from reportgen.outputs.charts import Histogram, Rose
from reportgen.outputs.model import ReportFigure
from reportgen.pages.cards import cards
from reportgen.pages.census import measured_kernels
from reportgen.pages.later import PageContent, content_once_needed
from reportgen.pages.layer_keys import page_keys
from reportgen.pages.layer_table import measured_tables
from reportgen.pages.page import Found, Page
from reportgen.pages.report import ModelView, Report
from reportgen.pages.responses import ResponseView, response_views
from reportgen.reading.chosen import choice_in_words
from reportgen.reading.figures import KernelFigures
from reportgen.reading.format import plural

MOST_ROWS = 512
"""Kernels in the table of a layer; all are in the records."""


def distributions(figures: list[KernelFigures], reliance: list[float], limits: Limits) -> list[ReportFigure]:
    """Return the charts of a layer; charts without data are left out.

    `reliance` is the motion reliance of all kernels of the layer for which it is known, near-silent ones left out.
    """
    still = limits.stands_still
    textures = [f for f in figures if moving_texture(f, limits) and f.mean_speed is not None]
    moving = [f for f in textures if f.mean_speed is not None and f.mean_speed >= still]
    directed = [f.direction for f in moving if f.direction is not None and one_direction(f, limits)]
    speeds = [f.mean_speed for f in textures if f.mean_speed is not None]
    times = [multiple for f in figures if (multiple := known_times(f, limits)) is not None]
    silent = sum(near_silent(f.best_of_median, limits) for f in figures)
    found = []
    if directed:
        line = f"Preferred direction of the {len(directed)} kernels that have one"
        found.append(ReportFigure("directions", Rose(directed), line, line))
    if len(speeds) > 1:
        line = f"Preferred speed of {len(speeds)} kernels"
        found.append(ReportFigure("speeds", Histogram(speeds, "px/frame"), line, line))
    if len(times) > 1:
        line = "Synthetic activation as a multiple of the best reference clip's"
        line += f", without {plural(silent, 'near-silent kernel')}" if silent else ""
        found.append(ReportFigure("activations", Histogram(times, "times"), line, line))
    if len(reliance) > 1:
        line = f"Motion reliance of {len(reliance)} kernels that reference clips drive: 0 appearance, 1 motion"
        found.append(ReportFigure("reliance", Histogram(reliance, ends=(-0.2, 1.2)), line, line))
    return found


def _content(model: ModelView, layer: str, responses: list[ResponseView]) -> PageContent:
    """Return what the page of a layer shows."""
    layers, views, motion = list(model.kernels), model.kernels[layer], model.motions[layer]
    place = layers.index(layer)
    measured = measured_kernels(model, layer)
    reliance = [known_reliance(row.probes, model.limits) for row in measured if row.probes]
    known = [value for value in reliance if value is not None]
    charts = distributions([view.figures for view in views], known, model.limits)
    tables = {table.name: table for table in measured_tables(model, measured, MOST_ROWS)}
    context = {
        "model": model,
        "layer": layer,
        "facts": model.layers.get(layer),
        "cards": cards(model, views),
        "motion": motion,
        "charts": charts,
        "tables": tables,
        "silent": sum(row.silent for row in measured),
        "near_silent": model.limits.near_silent,
        "reference": model.evidence,
        "choice": choice_in_words(model, layer),
        "responses": [view for view in responses if view.answer.layer == layer],
        "troubles": [(view, trouble) for view in views for trouble in view.troubles],
        "before": layers[place - 1] if place else None,
        "after": layers[place + 1] if place + 1 < len(layers) else None,
    }
    return PageContent(context, (*charts, *tables.values()))


def pages(report: Report) -> Iterator[Page]:
    """Yield one page per layer that has kernels."""
    for model in report.models:
        responses = response_views(model)
        keys = page_keys(report, model).layers
        for layer, views in model.kernels.items():
            motion = model.motions[layer]
            uri, key = model.addresses.layer(layer), keys.get(layer, "")
            content = content_once_needed(
                report.known, key and f"{uri} {key}", partial(_content, model, layer, responses)
            )
            yield Page(
                uri=uri,
                title=f"{model.stage_title(layer)} · {model.title}",
                template="pages/layer.md.j2",
                context=content.context,
                sources=tuple(key for view in views for key in view.sources),
                assets=motion.assets if motion else (),
                nav=(model.title, "Layers"),
                nav_title=model.stage_title(layer),
                wide=True,
                finder=Found(model.stage_title(layer), f"layer of {model.title}", layer),
                blocks=content.blocks,
                key=key,
            )
