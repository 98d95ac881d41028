"""One step of stage 1, forward and back, as the benchmarks time it."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch

from reportgen.analyses.kernels.robustness import DRAWS
from reportgen.analyses.kernels.schedules import Level
from reportgen.analyses.kernels.search import Search
from reportgen.networks.kernels.preactivation import placement


def step_of(search: Search, level: Level, kernels: Sequence[int]) -> Callable[[], None]:
    """Return a step of a search's level for these kernels, a noise clip each; call it within `as_searched`."""
    where = placement(search.network)
    score, canvas = search.scoring.score(level), search.scoring.canvas(level)
    # Not zeros: a device may compute with them faster than with anything that a search meets.
    noise = torch.Generator(search.network.device).manual_seed(0)
    parameters = torch.randn((len(kernels), *canvas.parameter_shape), generator=noise, **where).mul_(0.5)
    parameters.requires_grad_()
    own = torch.tensor(kernels, device=search.network.device)
    draws = torch.zeros(len(kernels), DRAWS, **where)

    def step() -> None:
        torch.autograd.grad(score(parameters, own, draws)[0].sum(), parameters)

    return step
