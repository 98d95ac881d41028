"""Results that are drawn: a pyramid's graph, a map's curves, what probes leave of a class. SVG, with styles of its own.

Colours come from the text around it, so that a drawing fits light and dark notebooks; nothing in it needs a script.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import singledispatch
from html import escape
from typing import Any

from reportgen.analyses.faithfulness.evaluation import Faithfulness
from reportgen.analyses.motion.motion_audit import MotionAudit
from reportgen.analyses.pyramid.class_pyramid import ClassPyramid, PyramidNode
from reportgen.analyses.pyramid.layout import barycentre_order

_MOST_NODES, _MOST_EDGES = 24, 400
_COLUMN, _LONGEST = 150, 22
_FOR, _AGAINST = "#d6402f", "#3a74d8"


@singledispatch
def drawing_of(result: Any) -> str:  # noqa: ARG001
    """Return the drawing of a result as SVG; empty where it has none."""
    return ""


@drawing_of.register
def _pyramid(result: ClassPyramid) -> str:
    """Draw the most relevant kept kernels of each layer: the class to the right, what feeds it to the left.

    The thickness of a line is its contribution's share of the largest, red for the class and blue against it.
    """
    columns, left_out = _columns(result)
    width, height = _COLUMN * len(columns), 60 + 16 * max(map(len, columns.values()), default=1)
    place: dict[tuple[str, int], tuple[float, float]] = {}
    body: list[str] = []
    for column, (layer, nodes) in enumerate(columns.items()):
        x = _COLUMN * (column + 0.5)
        name = layer if len(layer) <= _LONGEST else f"…{layer[1 - _LONGEST :]}"
        body.append(_text(x, 16, name if nodes[0].depth else f"class {result.class_index}", "middle"))
        for row, node in enumerate(nodes):
            y = 34 + (row + 0.5) * (height - 44) / len(nodes)
            place[node.layer, node.index] = (x, y)
            body.append(_node(x, y, node))
    if left_out:
        body.append(_text(6, height - 4, f"{left_out} further kept kernels are not drawn"))
    return _svg(width, height, repr(result), [*_edges(result, place), *body])


def _columns(result: ClassPyramid) -> tuple[dict[str, list[PyramidNode]], int]:
    """Return the nodes to draw by layer, the deepest layer first, and how many of the kept ones are left out."""
    order = barycentre_order(result)
    kept: dict[str, list[PyramidNode]] = {}
    for node in result.nodes:
        kept.setdefault(node.layer, []).append(node)
    columns = {}
    for layer in (one.name for one in reversed(result.layers) if one.name in kept):
        strongest = sorted(kept[layer], key=lambda node: -abs(node.relevance))[:_MOST_NODES]
        columns[layer] = sorted(strongest, key=lambda node: order.get((node.layer, node.index), 0))
    return columns, sum(map(len, kept.values())) - sum(map(len, columns.values()))


def _node(x: float, y: float, node: PyramidNode) -> str:
    told = f"{node.layer} {node.index}: relevance {node.relevance:.3g}, activation {node.activation:.3g}"
    dot = f'<circle cx="{x:.1f}" cy="{y:.1f}" r="4" fill="currentColor"><title>{escape(told)}</title></circle>'
    return dot + _text(x + 8, y + 4, str(node.index))


def _edges(result: ClassPyramid, place: Mapping[tuple[str, int], tuple[float, float]]) -> Iterator[str]:
    """Yield the strongest edges between what is drawn, the strongest last, so that it lies on top."""
    shown = [edge for edge in result.edges if edge.source in place and edge.target in place][:_MOST_EDGES]
    most = max((abs(edge.contribution) for edge in shown), default=1.0) or 1.0
    for edge in reversed(shown):
        (x1, y1), (x2, y2) = place[edge.source], place[edge.target]
        share = abs(edge.contribution) / most
        colour = _FOR if edge.contribution > 0 else _AGAINST
        yield (
            f'<line x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}" stroke="{colour}" '
            f'stroke-width="{0.4 + 2.6 * share:.2f}" stroke-opacity="{0.15 + 0.75 * share:.2f}"/>'
        )


@drawing_of.register
def _motion(result: MotionAudit) -> str:
    """Draw the class's logit on the clip and what each probe leaves of it, as the audit tells logits."""
    rows = [("clip", [result.logit]), *((name, values.tolist()) for name, values in result.logits.items())]
    numbers = [value for _, values in rows for value in values]
    low, high = min(0.0, *numbers), max(0.0, *numbers)
    across = 360 / ((high - low) or 1.0)
    body = []
    for row, (name, values) in enumerate(rows):
        y = 20 + 22 * row
        best = max(values) if name == "frozen" else sum(values) / len(values)
        start, end = sorted((110 - low * across, 110 + (best - low) * across))
        body.append(_text(104, y + 4, name.replace("_", " "), "end"))
        body.append(
            f'<rect x="{start:.1f}" y="{y - 7}" width="{max(end - start, 0.5):.1f}" height="14" '
            f'fill="{_FOR if best > 0 else _AGAINST}" fill-opacity="{1 if name == "clip" else 0.55}"/>'
        )
        body += [
            f'<circle cx="{110 + (value - low) * across:.1f}" cy="{y}" r="2" fill="currentColor" fill-opacity="0.6"/>'
            for value in values[1 if len(values) == 1 else 0 :]
        ]
        body.append(_text(478, y + 4, f"{best:.2f}"))
    bottom = 20 + 22 * len(rows)
    told = "logit" if result.apart else "logit above the mean of all classes"
    body.append(_text(110, bottom + 6, f"{told}; frozen: the best frame, others: the mean"))
    return _svg(540, bottom + 14, repr(result), body)


@drawing_of.register
def _curves(result: Faithfulness) -> str:
    """Draw the logit while tubes are shown (insertion) and hidden (deletion), the most marked ones first."""
    curves = result.curves
    low, high = min(*curves.insertion, *curves.deletion), max(*curves.insertion, *curves.deletion)
    body = [
        _line(curves.shares, curves.insertion, low, high, _FOR),
        _line(curves.shares, curves.deletion, low, high, _AGAINST),
        _text(46, 152, "share of tubes, the most marked ones first: 0 to 1"),
        _text(40, 16, f"{high:.3g}", "end"),
        _text(40, 134, f"{low:.3g}", "end"),
        _text(350, 20, "shown (insertion)", colour=_FOR),
        _text(350, 38, "hidden (deletion)", colour=_AGAINST),
    ]
    return _svg(480, 160, repr(result), body)


def _line(across: Sequence[float], up: Sequence[float], low: float, high: float, colour: str) -> str:
    span = (high - low) or 1.0
    places = " ".join(f"{46 + 290 * x:.1f},{130 - 118 * (y - low) / span:.1f}" for x, y in zip(across, up, strict=True))
    return f'<polyline points="{places}" fill="none" stroke="{colour}" stroke-width="2"/>'


def _text(x: float, y: float, text: str, anchor: str = "start", colour: str = "currentColor") -> str:
    style = f'font-size="11" font-family="sans-serif" fill="{colour}"'
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" {style}>{escape(text)}</text>'


def _svg(width: int, height: int, label: str, body: Sequence[str]) -> str:
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" height="{height}" '
        f'role="img" aria-label="{escape(label)}" style="max-width:100%;height:auto">{"".join(body)}</svg>'
    )
