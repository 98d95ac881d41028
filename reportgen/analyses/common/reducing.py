"""Where passes in reduced precision are quicker by more than it costs to see that they serve."""

from __future__ import annotations

from collections.abc import Mapping

import torch

from reportgen.analyses.common.batching import reduced_precision_pays
from reportgen.analyses.common.budget import forward_work
from reportgen.records.manifest import LayerFacts

_MUCH_WORK = 1000.0
"""Multiply-adds in 1e9 from which passes are made in reduced precision: the check of it costs a tenth of that."""


def reducing_pays(layers: Mapping[str, LayerFacts], passes: int, device: torch.device) -> bool:
    """Return whether so many forward passes of a network of `layers` are better made in reduced precision."""
    return passes * forward_work(layers) >= _MUCH_WORK and reduced_precision_pays(device)
