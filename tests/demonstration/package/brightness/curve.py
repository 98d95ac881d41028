"""A kind of figure of one's own: what it is, and how it becomes files."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from reportgen.media.figures import FigureFile, figure_files


@dataclass(frozen=True)
class CurveFigure:
    """One value per frame."""

    values: tuple[float, ...]
    caption: str = ""


@figure_files.register
def _files(figure: CurveFigure, role: str, name: str | None) -> Iterator[FigureFile]:
    lines = ["frame,value", *(f"{frame},{value:.6g}" for frame, value in enumerate(figure.values))]
    yield FigureFile(f"{role}.csv", role, "curve", "text/csv", ("\n".join(lines) + "\n").encode())
