"""Which kernels of a layer are most alike: in their responses to the same clips, or in what the motion probes leave."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

NEAREST = 5
"""Others that are told of each kernel."""

_AT_ONCE = 1024
"""Kernels whose likeness to all others is in memory at once."""

Alike = list[list[tuple[int, float]]]
"""For each kernel the others that are nearest, the nearest first, each with its figure."""


def nearest_by_response(responses: NDArray[Any], most: int = NEAREST) -> Alike:
    """Return the kernels whose responses `N K` to the same N clips correlate most (Pearson), with the correlation.

    A kernel that answers alike to all clips has none, and is none's.
    """
    values = np.asarray(responses, np.float64)
    centred = values - values.mean(0, keepdims=True)
    norm = np.sqrt((centred**2).sum(0))
    varied = np.asarray(norm > 1e-6 * max(float(np.abs(values).max(initial=0.0)), 1e-12), np.bool_)
    unit = (centred / np.where(varied, norm, 1.0)).astype(np.float32)
    return _nearest(unit.shape[1], varied, lambda rows: unit[:, rows].T @ unit, most)


def nearest_by_profile(profiles: NDArray[Any], most: int = NEAREST) -> Alike:
    """Return the kernels of which the probes leave the most similar shares `K P`, with the mean difference of these.

    A kernel with a share that is not known (NaN) has none, and is none's.
    """
    values = np.asarray(profiles, np.float64)
    known = np.asarray(np.isfinite(values).all(axis=1), np.bool_)
    filled = np.where(known[:, None], values, 0.0)

    def likeness(rows: slice) -> NDArray[Any]:
        return np.asarray(-np.abs(filled[rows, None] - filled[None]).mean(-1))

    return [[(other, -figure) for other, figure in found] for found in _nearest(len(values), known, likeness, most, 64)]


def _nearest(
    kernels: int,
    usable: NDArray[np.bool_],
    likeness: Callable[[slice], NDArray[Any]],
    most: int,
    at_once: int = _AT_ONCE,
) -> Alike:
    """Return the usable kernels of the highest likeness `rows K` to each usable one; equal ones by their index."""
    found: Alike = []
    for start in range(0, kernels, at_once):
        rows = slice(start, min(start + at_once, kernels))
        figures = np.where(usable[None], likeness(rows), -np.inf)
        own = np.arange(rows.start, rows.stop)
        figures[own - start, own] = -np.inf
        order = np.argsort(-figures, axis=1, kind="stable")[:, :most]
        for kernel, others in zip(own.tolist(), order, strict=True):
            row = figures[kernel - start]
            told = others[np.isfinite(row[others])] if usable[kernel] else others[:0]
            found.append([(int(other), float(row[other])) for other in told])
    return found
