"""A kind of figure of one's own: what it is, and how it becomes files."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from reportgen.media.encode import png_bytes
from reportgen.media.figures import FigureFile, figure_files

HEIGHT = 64


@dataclass(frozen=True)
class CurveFigure:
    """One value from 0 to 1 per frame."""

    values: tuple[float, ...]
    caption: str = ""


@figure_files.register
def _files(figure: CurveFigure, role: str) -> Iterator[FigureFile]:
    drawn = _drawn(np.asarray(figure.values))
    size = {"height": drawn.shape[0], "width": drawn.shape[1]}
    yield FigureFile(f"{role}.png", role, "curve", "image/png", png_bytes(drawn), size)
    lines = ["frame,value", *(f"{frame},{value:.6g}" for frame, value in enumerate(figure.values))]
    yield FigureFile(f"{role}.csv", role, "curve", "text/csv", ("\n".join(lines) + "\n").encode())


def _drawn(values: NDArray[np.float64]) -> NDArray[np.uint8]:
    """Return a bar for each frame, white on black, `H W 3`."""
    rows = np.linspace(1, 0, HEIGHT)[:, None]
    bars = np.repeat(rows <= values, 8, axis=1)
    return np.repeat(bars[..., None], 3, axis=2).astype(np.uint8) * 255
