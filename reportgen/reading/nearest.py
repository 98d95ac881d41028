"""Which kernels are most alike: in responses to clips, in what motion probes leave, in the texture of their clips."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from reportgen.records.answers.pattern import PatternAnswer

NEAREST = 5
"""Others that are told of each kernel."""

_AT_ONCE = 1024
"""Kernels whose likeness to all others is in memory at once."""

K = TypeVar("K")

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


def texture_difference(one: PatternAnswer, other: PatternAnswer) -> float | None:
    """Return how different two textures are, from 0 to 1: the mean of what both have of kind, size, turn and colours.

    Another kind counts 1; twice the size 1, as any larger factor does; a quarter turn of stripes 1; colours by their
    mean distance in R G B. None where a kind is not known: nothing is compared then.
    """
    if one.kind is None or other.kind is None:
        return None
    parts = [float(one.kind != other.kind)]
    if one.size and other.size and one.size > 0 and other.size > 0:
        parts.append(min(abs(math.log2(one.size / other.size)), 1.0))
    if one.orientation is not None and other.orientation is not None:
        turn = abs(one.orientation - other.orientation) % 180
        parts.append(min(turn, 180 - turn) / 90)
    if one.ends and other.ends:
        parts.append(float(np.abs(np.subtract(one.ends, other.ends)).mean()))
    return sum(parts) / len(parts)


def nearest_by_texture(patterns: Mapping[K, PatternAnswer], most: int = NEAREST) -> dict[K, list[tuple[K, float]]]:
    """Return for each kernel those whose synthetic clips have the most similar texture, with `texture_difference`.

    Only so many of the patterns are compared as a report visualises: their number is squared.
    """
    found = {}
    for key, own in patterns.items():
        others = ((other, texture_difference(own, one)) for other, one in patterns.items() if other != key)
        told = sorted(((other, value) for other, value in others if value is not None), key=lambda pair: pair[1])
        found[key] = told[:most]
    return found


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
