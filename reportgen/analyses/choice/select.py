"""The rules by which kernels are chosen."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import torch
from numpy.typing import NDArray

from reportgen.analyses.choice.selection import KernelSelection
from reportgen.analyses.common.responses import most_selective
from reportgen.errors import EmptySelectionError
from reportgen.records.manifest import LayerFacts


def select_kernels(
    layers: Mapping[str, LayerFacts],
    stages: Sequence[str],
    selection: KernelSelection,
    choose: str,
    selectivity: Mapping[str, NDArray[np.float64]] | None = None,
) -> dict[str, tuple[int, ...]]:
    """Return the kernels to show of each stage.

    `choose` says which when only some are shown: ``selective`` takes those that tell the reference clips apart best
    (by `selectivity`, each kernel's score and its std over the clips, `2 K`; without it, it is ``spread``), ``spread``
    evenly spaced ones, ``first`` the first. Listed kernels that a layer lacks are left out there; raises
    EmptySelectionError when no layer has any.
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
        if choose == "selective" and selectivity is not None and count < total:
            score, spread = torch.from_numpy(selectivity[name])
            chosen[name] = most_selective(score, spread, count)
        elif choose == "first" or count == total:
            chosen[name] = tuple(range(count))
        else:
            chosen[name] = tuple(int(k) for k in np.linspace(0, total - 1, count).round())
    return chosen
