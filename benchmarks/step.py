"""One step of stage 1, forward and back, as the benchmarks time it."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
from torch import Tensor

from reportgen.analyses.kernels.robustness import DRAWS
from reportgen.analyses.kernels.schedules import Level
from reportgen.analyses.kernels.search import Search
from reportgen.networks.kernels.preactivation import placement


def step_of(search: Search, level: Level, kernels: Sequence[int]) -> Callable[[], Tensor]:
    """Return a step of a search's level for these kernels, a noise clip each; call it within `as_searched`.

    The step returns its gradient `N ...`; the noise is the same on every device.
    """
    where = placement(search.network)
    score, canvas = search.scoring.score(level), search.scoring.canvas(level)
    # Not zeros: a device may compute with them faster than with anything that a search meets.
    noise = torch.randn((len(kernels), *canvas.parameter_shape), generator=torch.Generator().manual_seed(0))
    parameters = noise.mul_(0.5).to(**where)
    parameters.requires_grad_()
    own = torch.tensor(kernels, device=search.network.device)
    draws = torch.zeros(len(kernels), DRAWS, **where)

    def step() -> Tensor:
        (gradient,) = torch.autograd.grad(score(parameters, own, draws)[0].sum(), parameters)
        return gradient

    return step
