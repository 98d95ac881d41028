"""Does a synthetic clip drive a kernel the way real clips do, and do other seeds find the same clip?

After Geirhos et al. 2024 (arXiv 2306.04719): a picture can drive a kernel through kernels that real clips leave
silent, and then says nothing of what the kernel does on them. Every layer before the kernel's own is compared by the
profile of its kernels' responses, in rank order, so that a layer's scale and a few strong kernels decide nothing.

How like two profiles must be to count as alike differs from layer to layer: a likeness is therefore told by its place
among those of clips that have no reason to be alike, real clips that do not drive the kernel and the synthetic clips
of other kernels of its layer.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from reportgen.analyses.common.ranking import ranks
from reportgen.records.answers.path import Rank

DRIVERS = 5
"""How many of the real clips that drive a kernel most show its natural path."""

LEAST_DRIVERS = 3
"""Fewer drivers than this have no way in common."""

LEAST_NATURAL_CLIPS = 2 * DRIVERS
"""Fewer real clips than this cannot tell drivers from others."""

LEAST_KERNELS = 4
"""Layers of fewer kernels have no rank order to compare."""


@dataclass(frozen=True)
class LayerPath:
    """One layer's mean rank correlations: of the synthetic clip with the drivers, and of real clips.

    `within` is that of the drivers with each other, `across` that of the drivers with all other real clips.
    """

    layer: str
    synthetic: float
    within: float
    across: float


@dataclass(frozen=True)
class NaturalPath:
    """How like the drivers' way through the layers the synthetic clip's is: mean rank correlation over the layers.

    `natural` is its place among the real clips that do not drive the kernel, `kernels` that among the synthetic clips
    of other kernels, `told` that of the drivers themselves, each beside the other drivers, among the former (the
    median driver's): where even these have no place of their own, a way cannot be told from another.
    """

    layers: tuple[LayerPath, ...]
    drivers: tuple[int, ...]
    natural: Rank
    kernels: Rank
    told: Rank


def natural_path(
    synthetic: Mapping[str, Tensor],
    real: Mapping[str, Tensor],
    driven: Tensor,
    others: Mapping[str, Tensor] | None = None,
    *,
    drivers: int = DRIVERS,
) -> NaturalPath | None:
    """Return how natural the way of a synthetic clip is, or None where nothing can be compared.

    `synthetic` are the responses `K` of each layer before the kernel's own to the synthetic clip, `real` those `N K`
    to real clips, `others` those `M K` to the synthetic clips of other kernels, `driven` the response `N` of the
    kernel itself to the real clips. Nothing can be compared with fewer than LEAST_NATURAL_CLIPS real clips, without a
    layer of LEAST_KERNELS kernels, or where fewer than LEAST_DRIVERS real clips drive the kernel.
    """
    known = [layer for layer, own in synthetic.items() if len(own) >= LEAST_KERNELS]
    chosen = [place for place in _order(driven)[:drivers] if driven[place] > max(float(driven.median()), 0.0)]
    if len(driven) < max(LEAST_NATURAL_CLIPS, 2 * drivers) or len(chosen) < LEAST_DRIVERS or not known:
        return None
    idle = idle_clips(driven)
    clips = {layer: standard_ranks(real[layer]) for layer in known}
    own = {layer: standard_ranks(synthetic[layer].unsqueeze(0)) for layer in known}
    every = torch.cat([clips[layer] for layer in known], 1)
    way = every[chosen].mean(0)
    likeness = every[idle] @ way
    reached = torch.cat([own[layer] for layer in known], 1)[0] @ way
    beside = torch.cat([standard_ranks(others[layer]) for layer in known], 1) @ way if others else way.new_empty(0)
    return NaturalPath(
        layers=tuple(_layer(layer, own[layer], clips[layer], chosen) for layer in known),
        drivers=tuple(chosen),
        natural=rank(float(reached), likeness),
        kernels=rank(float(reached), beside),
        told=_told(every[chosen], every[idle]),
    )


def idle_clips(driven: Tensor) -> list[int]:
    """Return the real clips that do not drive a kernel: the half with the lowest response `N`."""
    return _order(driven)[(len(driven) + 1) // 2 :]


def rank(value: float, nulls: Tensor) -> Rank:
    """Return the place of a value among those of `nulls`; rounding is no difference."""
    return Rank(reached=int((nulls >= value - 1e-9).sum()), of=len(nulls))


def profile_similarity(one: Mapping[str, Tensor], others: Mapping[str, Tensor]) -> Tensor:
    """Return the mean over layers of the rank correlations of one clip's responses `K` with those `N K` of others."""
    found = [standard_ranks(others[layer]) @ standard_ranks(own.unsqueeze(0))[0] for layer, own in one.items()]
    return torch.stack(found).mean(0)


def standard_ranks(rows: Tensor) -> Tensor:
    """Return each row's ranks, centred and of norm 1, so that a product is Spearman's correlation; 0 if constant."""
    if not len(rows):
        return rows.double()
    ranked = torch.stack([ranks(row) for row in rows])
    centred = ranked - ranked.mean(1, keepdim=True)
    standard: Tensor = centred / centred.norm(dim=1, keepdim=True).clamp_min(1e-12)
    return standard


def _order(driven: Tensor) -> list[int]:
    found: list[int] = driven.argsort(descending=True, stable=True).tolist()
    return found


def _told(driving: Tensor, idle: Tensor) -> Rank:
    """Return the place of the median driver, beside the other drivers, among the idle clips."""
    found = []
    for place, own in enumerate(driving):
        way = torch.cat([driving[:place], driving[place + 1 :]]).mean(0)
        found.append(rank(float(own @ way), idle @ way))
    return sorted(found, key=lambda each: each.reached)[len(found) // 2]


def _layer(layer: str, own: Tensor, real: Tensor, chosen: Sequence[int]) -> LayerPath:
    """Return one layer's mean rank correlations: each row's ranks are made once, a product compares all pairs."""
    driving = real[list(chosen)]
    others = [place for place in range(len(real)) if place not in chosen]
    pairs = (driving @ driving.T)[tuple(torch.triu_indices(len(chosen), len(chosen), offset=1))]
    return LayerPath(
        layer=layer,
        synthetic=float((driving @ own.T).mean()),
        within=float(pairs.mean()),
        across=float((driving @ real[others].T).mean()),
    )


def mean(values: Sequence[float]) -> float:
    """Return the mean of some values."""
    return math.fsum(values) / len(values)
