"""Where a picture has grown into patches: the simple pattern that drives its kernel more."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from reportgen.analyses.common.draws import own_phase
from reportgen.analyses.kernels.gratings import simple_patterns
from reportgen.analyses.kernels.simple_optima import local_filter, sharp
from reportgen.networks.core.network import no_weight_gradients
from reportgen.networks.kernels.preactivation import Preactivation
from reportgen.networks.speed.precision import full_precision


def simple_end(
    target: Preactivation, clip: Tensor, kernel: int, seed: int, measure: Callable[[Tensor], float]
) -> tuple[Tensor, float] | None:
    """Return the simple pattern in [0, 1] that drives a kernel more than `clip` (both `C T H W`), with its objective.

    Patterns are those of the filter that the kernel's most active unit is about the clip, as in the search for kernels:
    a grating, alone or upon a colour, and that colour. `measure` tells the objective. None where none is better.
    """
    with no_weight_gradients(target.network), full_precision():
        weights = local_filter(target, clip[None], kernel)
    if weights is None:
        return None
    best, reached = None, measure(clip)
    phase = own_phase(seed, kernel)
    frames, height, width = clip.shape[1:]
    for pattern in simple_patterns(weights, None, phase, 1):
        drawn = torch.sigmoid(sharp(pattern).drawn((frames, height, width))).to(clip)
        value = measure(drawn)
        if value > reached:
            best, reached = drawn, value
    return None if best is None else (best, reached)
