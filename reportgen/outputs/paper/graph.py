"""A class pyramid drawn on paper: columns of kernels as high as they are relevant, edges as wide as they contribute.

The layout is that of the site's graph (``assets/js/graph/layout.js``), for a page that nobody can zoom.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby

from markupsafe import Markup, escape

from reportgen.outputs.model import FrameStrip
from reportgen.outputs.pathway import Pathway
from reportgen.reading.format import shortened

WIDTH = 720
_NODE, _HEAD, _FOOT, _LAYER_HEAD, _GAP = 11.0, 40.0, 8.0, 20.0, 5.0
_LEAST, _THUMB, _LETTER = 3.0, 22.0, 5.3
_ROWS, _ROW = 330.0, 36.0
"""Units of height for the column that needs most: at most so many, and so many for each of its nodes."""

Bar = tuple[float, float, float]
"""Left, top and height of a node."""


@dataclass(frozen=True)
class _Scene:
    """Where everything stands; `heads` are (left, room, lines), `layers` (left, bottom, title)."""

    height: float
    bars: list[Bar]
    scale: float
    heads: list[tuple[float, float, tuple[str, str]]]
    layers: list[tuple[float, float, str]]
    step: float


def pathway_svg(chart: Pathway, label: str, picture: Callable[[FrameStrip], str]) -> Markup:
    """Return the graph as SVG; `picture` returns the address of a node's picture."""
    scene = _layout(chart)
    body = [*_edges(chart, scene), *_nodes(chart, scene, picture), *_heads(scene)]
    return Markup(  # noqa: S704 (numbers, and text that is escaped)
        f'<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink" '
        f'class="rg-chart rg-chart--pathway" viewBox="0 0 {WIDTH} {scene.height:.0f}" role="img" '
        f'aria-label="{escape(label)}">{"".join(body)}</svg>'
    )


def _stacks(chart: Pathway) -> list[list[tuple[str, list[int]]]]:
    """Return the columns, each with its layers and the numbers of their nodes."""
    places = range(len(chart.nodes))
    return [
        [(layer, list(own)) for layer, own in groupby(column, lambda place: chart.nodes[place].layer)]
        for _, column in groupby(places, lambda place: chart.nodes[place].depth)
    ]


def _layout(chart: Pathway) -> _Scene:
    stacks = _stacks(chart)
    taken = [sum(len(own) * _GAP for _, own in stack) + _LAYER_HEAD * len(stack) for stack in stacks]
    totals = [sum(abs(chart.nodes[i].value) for _, own in stack for i in own) for stack in stacks]
    most = max(sum(len(own) for _, own in stack) for stack in stacks)
    room = min(_ROWS, _ROW * (most + 1))
    scale = min((max(room - t, room / 4) / total for t, total in zip(taken, totals, strict=True) if total), default=1)
    right = 118.0
    step = (WIDTH - right - _NODE) / max(len(stacks) - 1, 1)
    bars: list[Bar] = [(0.0, 0.0, 0.0)] * len(chart.nodes)
    heads, layers, ends = [], [], []
    sizes = [[max(abs(chart.nodes[i].value) * scale, _LEAST) for _, own in stack for i in own] for stack in stacks]
    height = max(sum(own) + t for own, t in zip(sizes, taken, strict=True))
    for place, stack in enumerate(stacks):
        left, top = place * step, _HEAD + (height - sum(sizes[place]) - taken[place]) / 2
        depth = chart.nodes[stack[0][1][0]].depth
        room = step - 8 if place < len(stacks) - 1 else right + _NODE
        title = stack[0][0] if len(stack) == 1 else f"{len(stack)} layers"
        heads.append((left, room, (title, f"{depth} back" if depth else chart.one)))
        for layer, own in stack:
            top += _LAYER_HEAD
            if len(stack) > 1:
                layers.append((left, top - 5, _fitting(layer, room)))
            for i in own:
                size = max(abs(chart.nodes[i].value) * scale, _LEAST)
                bars[i] = (left, top, size)
                top += size + _GAP
        ends.append(top)
    return _Scene(max(ends) + _FOOT, bars, scale, heads, layers, step)


def _fitting(text: str, room: float) -> str:
    return shortened(text, max(6, int(room / _LETTER)))


def _edges(chart: Pathway, scene: _Scene) -> Iterator[str]:
    """Yield the edges: side by side at their ends, never more than their node's height."""
    wide = [max(abs(edge.value) * scene.scale, 0.4) for edge in chart.edges]
    starts = _ends(scene, wide, [(edge.target, edge.source) for edge in chart.edges])
    ends = _ends(scene, wide, [(edge.source, edge.target) for edge in chart.edges])
    for place, edge in enumerate(chart.edges):
        x0, x1 = scene.bars[edge.target][0] + _NODE, scene.bars[edge.source][0]
        (y0, one), (y1, other) = starts[place], ends[place]
        middle, kind = (x0 + x1) / 2, "excites" if edge.value >= 0 else "inhibits"
        yield (
            f'<path d="M{x0:.1f},{y0:.1f}C{middle:.1f},{y0:.1f} {middle:.1f},{y1:.1f} {x1:.1f},{y1:.1f}" '
            f'class="edge {kind}" stroke-width="{max(min(one, other), 0.4):.2f}"/>'
        )


def _ends(scene: _Scene, wide: Sequence[float], pairs: Sequence[tuple[int, int]]) -> dict[int, tuple[float, float]]:
    """Return for each edge the height of its end at its first node, and its width there."""
    own: dict[int, list[int]] = defaultdict(list)
    for place, (node, _) in enumerate(pairs):
        own[node].append(place)
    found = {}
    for node, places in own.items():
        _, top, size = scene.bars[node]
        total = sum(wide[place] for place in places)
        squeeze = min(1.0, size / total)
        at = top + (size - total * squeeze) / 2
        for place in sorted(places, key=lambda one: scene.bars[pairs[one][1]][1]):
            width = wide[place] * squeeze
            found[place] = (at + width / 2, width)
            at += width
    return found


def _nodes(chart: Pathway, scene: _Scene, picture: Callable[[FrameStrip], str]) -> Iterator[str]:
    for node, (x, y, size) in zip(chart.nodes, scene.bars, strict=True):
        kind = "inhibits" if node.value < 0 else "excites"
        yield (
            f'<rect x="{x:.1f}" y="{y:.1f}" width="{_NODE}" height="{size:.1f}" rx="1.5" '
            f'class="node {kind if node.depth else "class"}"/>'
        )
        side = min(_THUMB, size + _GAP - 1)
        right = x + _NODE + 3
        if node.picture and side >= 12:
            yield (
                f'<image xlink:href="{picture(node.picture)}" href="{picture(node.picture)}" x="{right:.1f}" '
                f'y="{y + size / 2 - side / 2:.1f}" width="{side:.1f}" height="{side:.1f}"/>'
            )
            right += side + 3
        if node.depth and size + _GAP >= 9:
            for kind in ("halo", "number"):  # drawn twice: an outline in the ground's colour keeps it readable
                yield f'<text x="{right:.1f}" y="{y + size / 2 + 3:.1f}" class="{kind}">{escape(node.name)}</text>'


def _heads(scene: _Scene) -> Iterator[str]:
    for left, room, (title, steps) in scene.heads:
        yield f'<text x="{left:.1f}" y="12" class="strong">{escape(_fitting(title, room))}</text>'
        yield f'<text x="{left:.1f}" y="25" class="muted">{escape(_fitting(steps, room))}</text>'
    for left, bottom, layer in scene.layers:
        for kind in ("halo", "layer"):
            yield f'<text x="{left:.1f}" y="{bottom:.1f}" class="{kind}">{escape(layer)}</text>'
