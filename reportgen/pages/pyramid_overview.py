"""A pyramid at a glance, however deep: one row per layer, divided among its kernels by their relevance."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass

from markupsafe import Markup

from reportgen.pages.report import ModelView
from reportgen.pages.templating import inert
from reportgen.reading.addresses import relative_link
from reportgen.reading.excerpt import Excerpt
from reportgen.reading.format import fixed, number, percent, short_kernel_name, short_layer_name, shortened
from reportgen.reading.views import Pyramid
from reportgen.records.pyramid_schema import LayerFigures

DRAWN_KERNELS = 24
"""Kernels of a layer that are drawn apart; the others are one piece."""

_WIDTH, _LEFT, _ROW = 760, 170, 20

_LONGEST = 26
"""Characters of a layer's name that fit."""


@dataclass(frozen=True)
class Piece:
    """A part of a layer's positive relevance: a kept kernel, or all `others`; `reliance` on motion where known."""

    name: str
    share: float
    value: float
    uri: str = ""
    reliance: float | None = None
    others: bool = False


def overview(model: ModelView, pyramid: Pyramid) -> Markup | None:
    """Return the picture, the layers nearest to the class first; None where no relevance is positive."""
    rows = [(layer, pieces(model, pyramid, layer)) for layer in pyramid.graph.document.layers if layer.kept]
    shown = [(layer, found) for layer, found in rows if found]
    if not shown:
        return None
    body: list[str] = []
    for place, (layer, found) in enumerate(shown):
        body += _row(pyramid.uri, layer, found, place * _ROW)
    label = f"Relevance of {len(shown)} layers, divided among their kernels"
    return Markup(  # noqa: S704 (numbers, and text that passed `inert`)
        f'<svg class="rg-chart rg-chart--overview" viewBox="0 0 {_WIDTH} {_ROW * len(shown) + 4}" role="group" '
        f'aria-label="{inert(label)}" style="--chart-width:{_WIDTH}px">{"".join(body)}</svg>'
    )


def pieces(model: ModelView, pyramid: Pyramid, layer: LayerFigures) -> list[Piece]:
    """Return a layer's kept kernels by relevance, and the rest of its positive relevance."""
    kept = sorted(_kept(pyramid)[layer.name], key=lambda pair: -pair[1])
    values = layer.relevances or [value for _, value in kept]
    total = sum(value for value in values if value > 0)
    if total <= 0:
        return []
    found = []
    drawn = Excerpt.of(kept, DRAWN_KERNELS)
    for index, value in drawn:
        found.append(
            Piece(
                short_kernel_name(layer.name, index),
                max(value, 0.0) / total,
                value,
                model.kernel_uri(layer.name, index),
                model.motion_reliance(layer.name, index),
            )
        )
    rest = 1.0 - sum(piece.share for piece in found)
    if rest > 1e-6:
        kept_too = f", {drawn.left_out} of them kept" if drawn.left_out else ""
        found.append(Piece(f"all other kernels{kept_too}", rest, rest * total, others=True))
    return found


def _kept(pyramid: Pyramid) -> dict[str, list[tuple[int, float]]]:
    found: dict[str, list[tuple[int, float]]] = defaultdict(list)
    for node in pyramid.graph.nodes:
        if node.depth:
            found[node.layer].append((node.index, node.relevance))
    return found


def _row(here: str, layer: LayerFigures, found: list[Piece], y: int) -> list[str]:
    short = shortened(short_layer_name(layer.name), _LONGEST)
    body = [f'<text x="{_LEFT - 8}" y="{y + 14}" text-anchor="end">{inert(short)}</text>']
    x, scale = float(_LEFT), _WIDTH - _LEFT
    for piece in found:
        size = piece.share * scale
        title = f"{piece.name}: relevance {number(piece.value)}, {percent(piece.share, 1)} of the layer"
        colour = ""
        if piece.reliance is not None:
            title += f", motion reliance {fixed(piece.reliance)}"
            part = 100 * min(max(piece.reliance, 0.0), 1.0)
            colour = f' style="fill:color-mix(in oklab,var(--rg-vermilion) {part:.0f}%,var(--rg-green))"'
        kind = "others" if piece.others else "known" if piece.uri else "kernel"
        drawn = (
            f'<rect x="{x:.1f}" y="{y + 2}" width="{max(size - 0.7, 0.3):.1f}" height="{_ROW - 4}" '
            f'class="rg-piece rg-piece--{kind}"{colour}><title>{inert(title)}</title></rect>'
        )
        body.append(f'<a href="{relative_link(here, piece.uri)}">{drawn}</a>' if piece.uri else drawn)
        x += size
    return body
