"""Which kernel of one network is which of another: by how they answer to the clips that both were shown.

Kernels are paired so that the sum of their correlations over the clips is largest (Hungarian method, as in Li et al.,
2016, "Convergent Learning"); among equal correlations those of more similar responses are paired. How far a pair
differs is the root mean square of the difference of the two responses, relative to their spread over the clips. Its
noise is told by the halves of the clips.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment

Responses = NDArray[np.float64]
"""Responses `N K` of a layer's kernels to clips."""

LEAST_CLIPS = 6
"""Clips that both reports must share: halves of fewer tell nothing."""

ROUNDED_AWAY = 0.01
"""Differences up to here are those of other machines and threads."""

_TIE = 1e-3
"""Weight of the responses' difference beside their correlation: it decides where correlations are equal."""

_NOISES = 2.0


@dataclass(frozen=True)
class KernelPair:
    """A kernel of the first report and that of the second which answers most like it.

    `correlation` is over the shared clips, None where one of them answers alike to all; `difference` is relative to
    the spread of the responses, and `noise` what of it the choice of clips makes.
    """

    first: int
    second: int
    correlation: float | None
    difference: float
    changed: bool


@dataclass(frozen=True)
class LayerMatch:
    """The kernels of one layer in both reports; `noise` is the limit from which a difference counts as a change.

    `steady` is the share of the pairs that both halves of the clips, each for itself, would make, too.
    """

    layer: str
    pairs: tuple[KernelPair, ...]
    noise: float
    steady: float
    left: tuple[tuple[int, ...], tuple[int, ...]] = ((), ())

    @property
    def changed(self) -> tuple[KernelPair, ...]:
        """The pairs that differ by more than noise, the largest difference first."""
        return tuple(sorted((pair for pair in self.pairs if pair.changed), key=lambda pair: -pair.difference))

    @property
    def moved(self) -> int:
        """Kernels that are the same but for their index."""
        return sum(pair.first != pair.second and not pair.changed for pair in self.pairs)


def match_layers(first: Mapping[str, Responses], second: Mapping[str, Responses]) -> list[LayerMatch]:
    """Match the kernels of all layers that both have, over the same clips in the same order."""
    return [_match(layer, first[layer], second[layer]) for layer in first if layer in second]


def _match(layer: str, a: Responses, b: Responses) -> LayerMatch:
    rows, columns = _assigned(a, b)
    halves = [slice(0, None, 2), slice(1, None, 2)]
    differences = _differences(a, b, rows, columns)
    parts = [_differences(a[half], b[half], rows, columns) for half in halves]
    # Half of what two halves of the clips disagree by is about the standard error over all clips.
    noise = ROUNDED_AWAY + _NOISES * float(np.median(np.abs(parts[0] - parts[1])) / 2)
    steady = np.mean([_same(_assigned(a[half], b[half]), rows, columns, a[half], b[half]) for half in halves])
    correlations = _correlations(a, b)
    pairs = tuple(
        KernelPair(int(i), int(j), _known(correlations[i, j]), float(d), bool(d > noise))
        for i, j, d in zip(rows, columns, differences, strict=True)
    )
    left = (
        tuple(sorted(set(range(a.shape[1])) - set(map(int, rows)))),
        tuple(sorted(set(range(b.shape[1])) - set(map(int, columns)))),
    )
    return LayerMatch(layer, pairs, noise, float(steady), left)


def _assigned(a: Responses, b: Responses) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    cost = 1 - np.nan_to_num(_correlations(a, b), nan=0.0) + _TIE * np.minimum(_distances(a, b), 1.0)
    rows, columns = linear_sum_assignment(cost)
    return rows, columns


def _same(
    found: tuple[NDArray[np.intp], NDArray[np.intp]],
    rows: NDArray[np.intp],
    columns: NDArray[np.intp],
    a: Responses,
    b: Responses,
) -> float:
    """Return the share of pairs that a half of the clips makes too, or another one that answers there as well."""
    own = dict(zip(map(int, found[0]), map(int, found[1]), strict=True))
    distances = _distances(a, b)
    kept = [
        own.get(int(i)) == int(j) or (int(i) in own and distances[i, own[int(i)]] <= distances[i, j] + ROUNDED_AWAY)
        for i, j in zip(rows, columns, strict=True)
    ]
    return float(np.mean(kept)) if kept else 1.0


def _correlations(a: Responses, b: Responses) -> NDArray[np.float64]:
    """Return the correlation of each kernel with each, `K K'`; NaN where one answers alike to all clips."""
    first, second = (_standardized(one) for one in (a, b))
    return np.asarray(first.T @ second / len(a))


def _standardized(values: Responses) -> Responses:
    centred = values - values.mean(axis=0)
    spread = values.std(axis=0)
    still = spread <= 1e-9 * np.maximum(np.abs(values).max(axis=0), 1e-30)
    return np.asarray(np.where(still, np.nan, centred / np.where(still, 1.0, spread)))


def _distances(a: Responses, b: Responses) -> NDArray[np.float64]:
    """Return the difference of each kernel from each, `K K'`, relative to the spread of both."""
    squares = (a**2).sum(axis=0)[:, None] + (b**2).sum(axis=0)[None, :] - 2 * (a.T @ b)
    spread = np.sqrt((a.var(axis=0)[:, None] + b.var(axis=0)[None, :]) / 2)
    return np.asarray(_relative(np.sqrt(np.maximum(squares, 0) / len(a)), spread, _size(a)[:, None], _size(b)[None, :]))


def _differences(a: Responses, b: Responses, rows: NDArray[np.intp], columns: NDArray[np.intp]) -> Responses:
    """Return the difference of each pair, relative to the spread of both."""
    first, second = a[:, rows], b[:, columns]
    rms = np.sqrt(((first - second) ** 2).mean(axis=0))
    spread = np.sqrt((first.var(axis=0) + second.var(axis=0)) / 2)
    return np.asarray(_relative(rms, spread, _size(first), _size(second)))


def _size(values: Responses) -> Responses:
    return np.asarray(np.sqrt((values**2).mean(axis=0)))


def _relative(
    rms: NDArray[np.float64], spread: NDArray[np.float64], first: NDArray[np.float64], second: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Return a difference as a share of the spread; of kernels that answer alike to all clips, as one of their size."""
    scale = np.maximum(spread, 1e-6 * np.maximum(first, second))
    return np.where(scale > 0, rms / np.where(scale > 0, scale, 1.0), 0.0)


def _known(value: float) -> float | None:
    return None if np.isnan(value) else float(value)


def shared_rows(first: Sequence[str], second: Sequence[str]) -> tuple[list[int], list[int]]:
    """Return the rows of the clips that two lists of names share, in one order."""
    places = {name: row for row, name in enumerate(second)}
    rows = [row for row, name in enumerate(first) if name in places]
    return rows, [places[first[row]] for row in rows]
