"""Results in one line: what they are about, their shapes and their units."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from reportgen.errors import one_line

_LONGEST = 160


def in_one_line(result: object, *parts: str) -> str:
    """Return the type of a result and what there is to say of it, in one line of at most 160 signs."""
    line = one_line(f"{type(result).__name__}({', '.join(part for part in parts if part)})")
    return line if len(line) <= _LONGEST else f"{line[: _LONGEST - 4]}...)"


def with_axes(values: Tensor | NDArray[np.generic], axes: str) -> str:
    """Return a shape with the names of its axes: ``N C T H W 1 3 16 112 112``; names that it has no axis for go."""
    shape = tuple(values.shape)
    names = axes.split()
    return f"{' '.join(names)} {' '.join(map(str, shape))}" if len(names) == len(shape) else f"shape {shape}"


def span(values: Tensor, unit: str = "") -> str:
    """Return the range of some numbers with their unit; one number where they are all the same, nan apart."""
    known = values[values.isfinite()]
    if not known.numel():
        return "not known"
    least, most = float(known.min()), float(known.max())
    numbers = f"{least:.3g}" if least == most else f"{least:.3g} to {most:.3g}"
    return f"{numbers} {unit}".strip()
