"""Pieces of inline SVG, which all charts are made of."""

from __future__ import annotations

from collections.abc import Sequence

from markupsafe import Markup

from reportgen.outputs.site.text import inert


def svg(width: int, height: int, label: str, body: Sequence[str], kind: str, role: str = "img") -> Markup:
    """Return a drawing as one element of a page; `label` is said instead of it, `kind` is its class.

    A drawing that holds links has the `role` "group".
    """
    return Markup(  # noqa: S704 (numbers, and text that passed `inert`)
        f'<svg class="rg-chart rg-chart--{kind}" viewBox="0 0 {width} {height}" role="{role}" '
        f'aria-label="{inert(label)}" style="--chart-width:{width}px">{"".join(body)}</svg>'
    )


def svg_text(x: float, y: float, text: str, anchor: str = "start", kind: str = "") -> str:
    """Return a piece of text; whatever it says is inert."""
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" class="{kind}">{inert(text)}</text>'


def svg_line(x1: float, y1: float, x2: float, y2: float, kind: str) -> str:
    """Return a straight line."""
    return f'<line x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}" class="{kind}"/>'


def points(values: Sequence[float], box: tuple[float, float, float, float], low: float, high: float) -> str:
    """Return values over equal steps as the points of a line within `box`: left, top, width, height."""
    left, top, width, height = box
    step = width / max(len(values) - 1, 1)
    span = (high - low) or 1.0
    return " ".join(f"{left + i * step:.1f},{top + height * (1 - (v - low) / span):.1f}" for i, v in enumerate(values))
