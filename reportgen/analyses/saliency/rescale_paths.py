"""DeepLift's rule for calls that are no element's own function: the mean slope on the line from baseline to clip.

Each call is shared out as integrated gradients share out a whole network (Sundararajan et al. 2017): a
recurrent layer, a norm, a sampled map. Of the line so many points are taken that contributions sum to the gain.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.utils._pytree import tree_flatten, tree_unflatten

from reportgen.analyses.saliency.rescale_rules import Ruled, Tensors

_POINTS = (4, 8, 16, 32, 64)
"""How many points of the line are taken, one number after the other until contributions sum to the gain."""
_NEAR = 1e-5
"""Which share of all contributions, by their magnitude, may be missed."""


class AlongLine(Ruled):
    """A function of tensors that returns a tensor, or several and others than of floating point beside them."""

    def __init__(self, function: Callable[..., Any]) -> None:
        super().__init__()
        self.function = function

    def forward(self, *given: Tensor) -> Any:
        """Return what the function does."""
        return self.function(*given)

    def sloped(self, given: Tensors, before: Tensors) -> Any:
        """Return the function's own values, with the mean of its slopes on the way from `before`."""
        with torch.no_grad():
            leaves, structure = tree_flatten(self.function(*(one.detach() for one in given)))
        places = [place for place, leaf in enumerate(leaves) if _differs(leaf)]

        def values(*point: Tensor) -> list[Tensor]:
            found = tree_flatten(self.function(*point))[0]
            return [found[place] for place in places]

        sloped = _MeanSlopes.apply(values, before, [leaves[place] for place in places], *given)  # type: ignore[no-untyped-call]
        for place, one in zip(places, sloped, strict=True):
            leaves[place] = one
        return tree_unflatten(leaves, structure)


class _MeanSlopes(torch.autograd.Function):
    """Values whose way back is the mean of a function's over the line from a baseline."""

    @staticmethod
    def forward(
        ctx: Any, function: Callable[..., list[Tensor]], before: Tensors, values: list[Tensor], *given: Tensor
    ) -> tuple[Tensor, ...]:
        """Return the values."""
        ctx.function, ctx.before, ctx.given = function, before, [one.detach() for one in given]
        ctx.values = [one.detach() for one in values]
        return tuple(one.clone() for one in values)

    @staticmethod
    def backward(ctx: Any, *slopes: Tensor) -> tuple[Any, ...]:
        """Return the slopes of what was given."""
        with torch.no_grad():
            pairs = zip(slopes, ctx.values, ctx.function(*ctx.before), strict=True)
            gain = sum(float((slope * (now - old)).sum()) for slope, now, old in pairs)
        steps = [now - old for now, old in zip(ctx.given, ctx.before, strict=True)]
        for points in _POINTS:
            found = _mean(ctx.function, ctx.before, steps, slopes, points)
            shares = [own * step for own, step in zip(found, steps, strict=True)]
            missed = abs(sum(float(share.sum()) for share in shares) - gain)
            if missed <= _NEAR * sum(float(share.abs().sum()) for share in shares):
                break
        return None, None, None, *found


def _mean(
    function: Callable[..., list[Tensor]], before: Tensors, steps: Tensors, slopes: Sequence[Tensor], points: int
) -> list[Tensor]:
    """Return the mean slopes of what a function is given, over so many points of the line."""
    total = [torch.zeros_like(step) for step in steps]
    for place, weight in zip(*_line(points), strict=True):
        with torch.enable_grad():
            at = [(old + place * step).requires_grad_() for old, step in zip(before, steps, strict=True)]
            values = function(*at)
        used = [(value, slope) for value, slope in zip(values, slopes, strict=True) if value.requires_grad]
        if not used:
            break
        own = torch.autograd.grad([one for one, _ in used], at, [slope for _, slope in used], allow_unused=True)
        for sum_, slope in zip(total, own, strict=True):
            if slope is not None:
                sum_.add_(slope, alpha=weight)
    return total


@lru_cache
def _line(points: int) -> tuple[list[float], list[float]]:
    """Return places between 0 and 1 and their weights, for a mean by Gauss and Legendre."""
    places, weights = np.polynomial.legendre.leggauss(points)
    return ((places + 1) / 2).tolist(), (weights / 2).tolist()


def _differs(leaf: Any) -> bool:
    return isinstance(leaf, Tensor) and leaf.is_floating_point()
