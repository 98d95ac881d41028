"""A layer's page: the cards of its kernels, and how their speeds, directions and activations are spread."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from markupsafe import Markup

from reportgen.audit.concepts import concepts_of
from reportgen.audit.limits import Limits
from reportgen.audit.moving import moving_texture, one_direction
from reportgen.audit.sentences import word_is_said
from reportgen.audit.silence import known_reliance, known_times, near_silent
from reportgen.pages import charts
from reportgen.pages.cards import cards
from reportgen.pages.page import Found, Page
from reportgen.pages.report import ModelView, Report
from reportgen.pages.responses import response_views
from reportgen.reading.chosen import choice_in_words, shown_word
from reportgen.reading.excerpt import Excerpt
from reportgen.reading.figures import KernelFigures
from reportgen.reading.format import fixed, plural
from reportgen.reading.probes import PROBE_TITLES, KernelProbes, kernel_probes

MOST_ROWS = 512
"""Kernels in the table of a layer; all are in the records."""


@dataclass(frozen=True)
class MeasuredKernel:
    """Any kernel of a layer, shown or not, as the real clips find it; `silent` where they barely drive it."""

    index: int
    uri: str
    best: float | None
    word: str
    concept: str
    state: str
    silent: bool
    probes: KernelProbes | None


def measured_kernels(model: ModelView, layer: str) -> list[MeasuredKernel]:
    """Return all kernels of a layer that the reference clips measured, those that they barely drive at the end."""
    found = model.evidence.layers.get(layer)
    redundancy = model.evidence.redundancy.get(layer)
    pages = {view.id.index: view.uri for view in model.kernels.get(layer, ())}
    rows = []
    for index in range(found.kernels if found else 0):
        best, found_word = model.evidence.best(layer, index), shown_word(model, layer, index)
        word = found_word.word if found_word else None
        twins = redundancy.twins(index) if redundancy else []
        dead = redundancy is not None and index in redundancy.dead
        probes = kernel_probes(model.motion_probes, layer, index) if model.motion_probes else None
        multiples = (model.evidence.best_of_median(layer, index), probes.response_of_median if probes else None)
        silent = any(near_silent(multiple, model.limits) for multiple in multiples)
        rows.append(
            MeasuredKernel(
                index=index,
                uri=pages.get(index, ""),
                best=best.value if best else None,
                word=f"{word.text} ({fixed(word.auroc)})" if word and word_is_said(word, model.limits) else "",
                concept=", ".join(one.concept for one in concepts_of(model, layer, index, model.limits)),
                state="dead" if dead else f"as #{twins[0][0]}" if twins else "near-silent" if silent else "",
                silent=silent,
                probes=probes,
            )
        )
    return sorted(rows, key=lambda row: row.silent)


def distributions(figures: list[KernelFigures], reliance: list[float], limits: Limits) -> list[tuple[str, Markup]]:
    """Return the charts of a layer, each with its one line; charts without data are left out.

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
        found.append((line, charts.rose(directed, line)))
    if len(speeds) > 1:
        line = f"Preferred speed of {len(speeds)} kernels"
        found.append((line, charts.histogram(speeds, line, "px/frame")))
    if len(times) > 1:
        line = "Synthetic activation as a multiple of the best real clip's"
        line += f", without {plural(silent, 'near-silent kernel')}" if silent else ""
        found.append((line, charts.histogram(times, line, "times")))
    if len(reliance) > 1:
        line = f"Motion reliance of {len(reliance)} kernels that real clips drive: 0 appearance, 1 motion"
        found.append((line, charts.histogram(reliance, line, "", ends=(-0.2, 1.2))))
    return found


def pages(report: Report) -> Iterator[Page]:
    """Yield one page per layer that has kernels."""
    for model in report.models:
        layers = list(model.kernels)
        model_responses = response_views(model)
        for place, (layer, views) in enumerate(model.kernels.items()):
            motion = model.motions[layer]
            measured = measured_kernels(model, layer)
            silent = [row for row in measured if row.silent]
            reliance = [known_reliance(row.probes, model.limits) for row in measured if row.probes]
            yield Page(
                uri=model.addresses.layer(layer),
                title=f"{model.stage_title(layer)} · {model.title}",
                template="pages/layer.md.j2",
                context={
                    "model": model,
                    "layer": layer,
                    "facts": model.layers.get(layer),
                    "cards": cards(model, views),
                    "motion": motion,
                    "charts": distributions(
                        [view.figures for view in views],
                        [value for value in reliance if value is not None],
                        model.limits,
                    ),
                    "measured": Excerpt.of(measured, MOST_ROWS),
                    "silent": len(silent),
                    "near_silent": model.limits.near_silent,
                    "probes": PROBE_TITLES,
                    "reference": model.evidence,
                    "choice": choice_in_words(model, layer),
                    "responses": [view for view in model_responses if view.answer.layer == layer],
                    "troubles": [(view, trouble) for view in views for trouble in view.troubles],
                    "before": layers[place - 1] if place else None,
                    "after": layers[place + 1] if place + 1 < len(layers) else None,
                },
                sources=tuple(key for view in views for key in view.sources),
                assets=motion.assets if motion else (),
                nav=(model.title, "Layers"),
                nav_title=model.stage_title(layer),
                wide=True,
                finder=Found(model.stage_title(layer), f"layer of {model.title}", layer),
            )
