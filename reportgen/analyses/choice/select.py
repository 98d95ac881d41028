"""The rules by which kernels are chosen."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import numpy as np
import torch
from numpy.typing import NDArray

from reportgen.analyses.choice.selection import KernelSelection
from reportgen.analyses.common.responses import most_selective
from reportgen.errors import EmptySelectionError
from reportgen.records.manifest import LayerFacts

LayerScores = Mapping[str, NDArray[np.float64]]


def select_kernels(
    layers: Mapping[str, LayerFacts],
    stages: Sequence[str],
    selection: KernelSelection,
    choose: str,
    selectivity: LayerScores | None = None,
    pyramids: Sequence[LayerScores] = (),
) -> dict[str, tuple[int, ...]]:
    """Return the kernels to show of each stage.

    `choose` says which when only some are shown: ``important`` takes first those that `pyramids` keep, up to half of
    them, and then as ``selective`` does those that tell the reference clips apart best (by `selectivity`: each kernel's
    score, its std over the clips, and the kernel that it repeats or -1, `3 K`; without it, the rest is ``spread``).
    ``spread`` takes evenly spaced ones, ``first`` the first. Of kernels that repeat each other one is taken. Listed
    kernels that a layer lacks are left out there; raises EmptySelectionError when no layer has any.
    """
    if selection.listed:
        kept = {name: tuple(k for k in selection.listed if k < layers[name].kernels) for name in stages}
        if not any(kept.values()):
            most = max(layers[name].kernels for name in stages)
            raise EmptySelectionError(f"None of the chosen layers has such a kernel: they have at most {most}.")
        return kept
    chosen: dict[str, tuple[int, ...]] = {}
    for name in stages:
        total = layers[name].kernels
        count = total if selection.count is None else min(selection.count, total)
        if choose == "first" or count == total:
            chosen[name] = tuple(range(count))
            continue
        own = _kept_by(pyramids, name, total)[: (count + 1) // 2] if choose == "important" else []
        by_clips = choose in ("important", "selective") and selectivity is not None
        order = _selective(selectivity[name]) if by_clips and selectivity is not None else _spread(total, count)
        repeated = selectivity[name][2] if by_clips and selectivity is not None else np.full(total, -1.0)
        chosen[name] = _apart([*own, *order], repeated, count)
    return chosen


def kernels_of_pyramids(pyramids: Sequence[LayerScores], stages: Iterable[str]) -> bool:
    """Whether the pyramids keep any kernel of the stages."""
    return any(bool(np.any(found[name][1] > 0)) for found in pyramids for name in stages if name in found)


def _kept_by(pyramids: Sequence[LayerScores], layer: str, kernels: int) -> list[int]:
    """Return the kernels of a layer that pyramids keep, those with the largest share of their layer's relevance first.

    `pyramids` hold for each layer the relevance of its kernels and whether it keeps them, `2 K`; of a kernel that
    several keep the largest share counts.
    """
    shares = np.zeros(kernels)
    for found in pyramids:
        if layer not in found or found[layer].shape[1] != kernels:
            continue
        relevance, kept = found[layer]
        positive = np.where(kept > 0, relevance, 0.0).clip(min=0.0)
        shares = np.maximum(shares, positive / max(float(relevance.clip(min=0.0).sum()), 1e-12))
    order = np.argsort(-shares, kind="stable")
    return [int(kernel) for kernel in order if shares[kernel] > 0]


def _selective(scores: NDArray[np.float64]) -> tuple[int, ...]:
    score, spread = torch.from_numpy(scores[:2])
    return most_selective(score, spread, scores.shape[1])


def _spread(total: int, count: int) -> tuple[int, ...]:
    return tuple(int(kernel) for kernel in np.linspace(0, total - 1, count).round())


def _apart(order: Sequence[int], repeated: NDArray[np.float64], count: int) -> tuple[int, ...]:
    """Return the first `count` kernels of an order; one that repeats an earlier one only where others are too few."""
    ordered = list(dict.fromkeys(order))
    taken: dict[int, int] = {}
    for kernel in ordered:
        original = int(repeated[kernel]) if repeated[kernel] >= 0 else kernel
        taken.setdefault(original, kernel)
    apart = list(taken.values())
    rest = [kernel for kernel in ordered if kernel not in set(apart)]
    return tuple([*apart, *rest][:count])
