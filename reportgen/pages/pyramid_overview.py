"""A pyramid at a glance, however deep: one row per layer, divided among its kernels by their relevance."""

from __future__ import annotations

from collections import defaultdict

from reportgen.outputs.charts import Piece, Pieces
from reportgen.outputs.model import ReportFigure
from reportgen.pages.report import ModelView
from reportgen.reading.excerpt import Excerpt
from reportgen.reading.format import short_kernel_name, short_layer_name
from reportgen.reading.views import Pyramid
from reportgen.records.pyramid_schema import LayerFigures

DRAWN_KERNELS = 24
"""Kernels of a layer that are drawn apart; the others are one piece."""


def overview(model: ModelView, pyramid: Pyramid) -> ReportFigure | None:
    """Return the figure, the layers nearest to the class first; None where no relevance is positive."""
    layers = [(layer.name, pieces(model, pyramid, layer)) for layer in pyramid.graph.document.layers if layer.kept]
    shown = [(short_layer_name(name), found) for name, found in layers if found]
    if not shown:
        return None
    alt = f"Relevance of {len(shown)} layers, divided among their kernels"
    caption = "Each layer's positive relevance, divided among its kernels; grey: those that are not kept."
    return ReportFigure("layers", Pieces(shown), alt, caption)


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
