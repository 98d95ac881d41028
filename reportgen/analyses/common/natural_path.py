"""Does a synthetic clip drive a kernel the way real clips do?

After Geirhos et al. 2024 (arXiv 2306.04719): a picture can drive a kernel through kernels that real clips leave
silent, and then says nothing of what the kernel does on them. Every layer before the kernel's own is compared by the
profile of its kernels' responses, in rank order, so that a layer's scale and a few strong kernels decide nothing.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from reportgen.analyses.common.ranking import ranks, spearman

NATURAL_DRIVERS = 5
"""How many of the real clips that drive a kernel most show its natural path."""

LEAST_NATURAL_CLIPS = 2 * NATURAL_DRIVERS
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
    """How like the drivers' way through the layers the synthetic clip's is.

    `similarity` is the mean over layers of where the synthetic clip stands between unrelated real clips (0) and the
    drivers themselves (1); under 0, any real clip's way is more like the drivers' than the synthetic one's is.
    """

    layers: tuple[LayerPath, ...]
    drivers: tuple[int, ...]

    @property
    def synthetic(self) -> float:
        """The mean rank correlation of the synthetic clip with the drivers."""
        return _mean([one.synthetic for one in self.layers])

    @property
    def within(self) -> float:
        """That of the drivers with each other."""
        return _mean([one.within for one in self.layers])

    @property
    def across(self) -> float:
        """That of the drivers with other real clips."""
        return _mean([one.across for one in self.layers])

    @property
    def similarity(self) -> float:
        """Where the synthetic clip stands between unrelated clips (0) and drivers (1), clipped to -1 and 1."""
        span = max(self.within - self.across, 1e-6)
        return max(-1.0, min(1.0, (self.synthetic - self.across) / span))


def natural_path(
    synthetic: Mapping[str, Tensor], real: Mapping[str, Tensor], driven: Tensor, *, drivers: int = NATURAL_DRIVERS
) -> NaturalPath | None:
    """Return how natural the way of a synthetic clip is, or None where nothing can be compared.

    `synthetic` are the responses `K` of each layer before the kernel's own to the synthetic clip, `real` those `N K`
    to real clips, `driven` the response `N` of the kernel itself to these. Nothing can be compared with fewer than
    LEAST_NATURAL_CLIPS real clips, without a layer of LEAST_KERNELS kernels, or when no real clip drives the kernel.
    """
    if len(driven) < max(LEAST_NATURAL_CLIPS, 2 * drivers) or not float(driven.max()) > 0:
        return None
    chosen = driven.argsort(descending=True, stable=True)[:drivers].tolist()
    others = [place for place in range(len(driven)) if place not in chosen]
    layers = [
        _layer(layer, own, real[layer], chosen, others) for layer, own in synthetic.items() if len(own) >= LEAST_KERNELS
    ]
    return NaturalPath(tuple(layers), tuple(chosen)) if layers else None


def profile_similarity(one: Mapping[str, Tensor], other: Mapping[str, Tensor]) -> float:
    """Return the mean over layers of the rank correlation of two clips' responses `K`."""
    return _mean([spearman(one[layer], other[layer]) for layer in one])


def _layer(layer: str, own: Tensor, real: Tensor, chosen: Sequence[int], others: Sequence[int]) -> LayerPath:
    """Return one layer's mean rank correlations: each row's ranks are made once, a product compares all pairs."""
    driving = _standard_ranks(real[list(chosen)])
    pairs = (driving @ driving.T)[tuple(torch.triu_indices(len(chosen), len(chosen), offset=1))]
    return LayerPath(
        layer=layer,
        synthetic=float((driving @ _standard_ranks(own.unsqueeze(0)).T).mean()),
        within=float(pairs.mean()),
        across=float((driving @ _standard_ranks(real[list(others)]).T).mean()),
    )


def _standard_ranks(rows: Tensor) -> Tensor:
    """Return each row's ranks, centred and of norm 1, so that a product is Spearman's correlation; 0 if constant."""
    ranked = torch.stack([ranks(row) for row in rows])
    centred = ranked - ranked.mean(1, keepdim=True)
    standard: Tensor = centred / centred.norm(dim=1, keepdim=True).clamp_min(1e-12)
    return standard


def _mean(values: Sequence[float]) -> float:
    return math.fsum(values) / len(values)
