"""The false discovery rate of many tests at once."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np


def false_discovery(p: Sequence[float]) -> list[float]:
    """Return the q of each p (Benjamini & Hochberg 1995): the share of false ones among all that are as small."""
    values = np.asarray(p, np.float64)
    if not len(values):
        return []
    order = np.argsort(values, kind="stable")
    scaled = values[order] * len(values) / np.arange(1, len(values) + 1)
    found = np.empty_like(values)
    found[order] = np.minimum.accumulate(scaled[::-1])[::-1].clip(max=1.0)
    return [float(value) for value in found]
