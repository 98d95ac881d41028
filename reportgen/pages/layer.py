"""A layer's page: the cards of its kernels, and how their speeds, directions and activations are spread."""

from __future__ import annotations

from collections.abc import Iterator

from markupsafe import Markup

from reportgen.pages import charts
from reportgen.pages.cards import cards
from reportgen.pages.page import Page
from reportgen.pages.report import Report
from reportgen.pages.sentences import ONE_DIRECTION, STANDS_STILL, KernelFigures


def distributions(figures: list[KernelFigures]) -> list[tuple[str, Markup]]:
    """Return the charts of a layer, each with its one line; charts without data are left out."""
    moving = [f for f in figures if f.texture_plus_motion and f.mean_speed is not None and f.mean_speed >= STANDS_STILL]
    directed = [f.direction for f in moving if f.direction is not None and (f.coherence or 0.0) >= ONE_DIRECTION]
    speeds = [f.mean_speed for f in figures if f.texture_plus_motion and f.mean_speed is not None]
    times = [f.times_best for f in figures if f.times_best is not None]
    found = []
    if directed:
        line = f"Preferred direction of the {len(directed)} kernels that have one"
        found.append((line, charts.rose(directed, line)))
    if len(speeds) > 1:
        line = f"Preferred speed of {len(speeds)} kernels"
        found.append((line, charts.histogram(speeds, line, "px/frame")))
    if len(times) > 1:
        line = "Synthetic activation as a multiple of the best real clip's"
        found.append((line, charts.histogram(times, line, "times")))
    return found


def pages(report: Report) -> Iterator[Page]:
    """Yield one page per layer that has kernels."""
    for model in report.models:
        layers = list(model.kernels)
        for place, (layer, views) in enumerate(model.kernels.items()):
            motion = model.motions[layer]
            yield Page(
                uri=model.addresses.layer(layer),
                title=model.stage_title(layer),
                template="pages/layer.md.j2",
                context={
                    "model": model,
                    "layer": layer,
                    "facts": model.layers.get(layer),
                    "cards": cards(model, views),
                    "motion": motion,
                    "charts": distributions([view.figures for view in views]),
                    "troubles": [(view, trouble) for view in views for trouble in view.troubles],
                    "before": layers[place - 1] if place else None,
                    "after": layers[place + 1] if place + 1 < len(layers) else None,
                },
                sources=tuple(key for view in views for key in view.sources),
                assets=motion.assets if motion else (),
                nav=(model.title, "Layers"),
                nav_title=model.stage_title(layer),
                wide=True,
            )
