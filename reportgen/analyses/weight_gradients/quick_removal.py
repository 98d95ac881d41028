"""The logits of clips without some filters, by a quick copy of a network in which these have no weights.

A filter without weights and bias, those of its batch norm included, responds with zero everywhere, and stays silent
behind a ReLU. Whether that is what silencing it in the network does is asked of some of the removals at hand.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from reportgen.analyses.pyramid.ablation import Passes, Silenced
from reportgen.analyses.pyramid.select import Floats
from reportgen.errors import NetworkError
from reportgen.networks.core.above_mean import above_mean
from reportgen.networks.core.network import Network, no_weight_gradients
from reportgen.networks.core.passes import REFUSALS
from reportgen.networks.speed.frozen_convolution import FrozenConvolution
from reportgen.networks.speed.quick_copy import quick_copy
from reportgen.networks.speed.reduced import ReducedNetwork

LogitsWithout = Callable[[Silenced], Floats]

TRIED = 4
"""Removals that are asked of the network, too."""

FEWEST_REMOVALS = 24
"""Removals that pay for a copy, and for holding it against the network."""

_SAME = 1e-3
"""How far a copy's logits may be from the network's, as a share of the largest."""

_ROUNDED = 0.1
"""Error in reduced precision beside the standard deviation over removals: a tenth of it is a hundredth of their
variance."""


class WithoutFilters:
    """A quick copy that is asked without some filters of `layers`, of clips `N C T H W`."""

    def __init__(self, network: Network, quick: Network, clips: Tensor, layers: Sequence[str]) -> None:
        self.network, self.clips = network, clips
        self._parts = {name: quick.module.get_submodule(name) for name in layers}
        self._own: dict[str, FrozenConvolution] = {}
        for name, part in self._parts.items():
            frozen = vars(part).get("forward")
            if not isinstance(frozen, FrozenConvolution):
                raise NetworkError(f"{name} is no convolution of the copy's own.")
            self._own[name] = frozen

    def __call__(self, silenced: Silenced) -> Floats:
        """Return the logits `N K`."""
        try:
            for name, filters in silenced.items():
                keep = torch.ones(len(self._own[name].weight))
                keep[torch.from_numpy(filters)] = 0
                vars(self._parts[name])["forward"] = self._own[name].silenced(keep)
            with torch.no_grad():
                return np.asarray(self.network.logits(self.clips).double().cpu().numpy())
        finally:
            for name in silenced:
                vars(self._parts[name])["forward"] = self._own[name]


def quickly_without(
    network: Network,
    clips: Tensor,
    passes: Passes,
    layers: Sequence[str],
    conditions: Sequence[Silenced],
    classes: NDArray[np.int64],
    *,
    reduced: bool,
) -> LogitsWithout:
    """Return what tells the logits `N K` of clips without the filters of a condition: a copy, or else the `passes`.

    A copy answers in their place where it does the same for TRIED of the `conditions`, evenly chosen. With `reduced` it
    is asked in bfloat16 where that tells these apart as float32 does, by the logits of each clip's own of the `classes`
    N above the mean of all.
    """

    def plainly(silenced: Silenced) -> Floats:
        return np.asarray(passes.intact - passes.without(silenced)) if silenced else passes.intact

    if len(conditions) < FEWEST_REMOVALS or network.device.type != "cpu" or not network.has_classes:
        return plainly
    with no_weight_gradients(network), suppress(NetworkError, AttributeError, *REFUSALS):  # then the network is asked
        quick = quick_copy(network, [clips[:1]])
        if quick is None:
            return plainly
        exactly = WithoutFilters(quick, quick, clips, layers)
        tried = [conditions[place] for place in np.linspace(0, len(conditions) - 1, TRIED).round().astype(int)]
        wanted = np.stack([plainly(one) for one in tried])
        if not np.abs(np.stack([exactly(one) for one in tried]) - wanted).max() <= _SAME * np.abs(wanted).max():
            return plainly
        if reduced:
            roughly = WithoutFilters(ReducedNetwork.of(quick), quick, clips, layers)
            rounded = np.stack([roughly(one) for one in tried])
            if _told_apart(*(class_above_mean(logits, classes) for logits in (rounded, wanted))):
                return roughly
        return exactly
    return plainly


def class_above_mean(logits: Floats, classes: NDArray[np.int64]) -> Floats:
    """Return of logits `... N K` those of each clip's own of the `classes` N above the mean, `... N`."""
    found = above_mean(torch.from_numpy(logits)).numpy()
    return np.asarray(found[..., np.arange(len(classes)), classes])


def _told_apart(rounded: Floats, exact: Floats) -> bool:
    """Return whether rounding is little beside the differences between conditions, `conditions N`, of each clip."""
    error = np.sqrt(np.square(rounded - exact).mean(0))
    return bool((error <= _ROUNDED * exact.std(0)).all())
