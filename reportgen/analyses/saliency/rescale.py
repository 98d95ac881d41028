"""DeepLift's multipliers by the rescale rule (Shrikumar et al. 2017): a clip and a baseline pass by themselves.

In one batch, as captum gives them, a norm by the statistics of the batch mixes the two, and which rows are whose is the
network's own affair. So the baseline's pass is recorded, and in the clip's pass each nonlinear call is answered by a
linear function of what it is given, whose slopes are the rule's: contributions then sum to what the call gains.
"""

from __future__ import annotations

from contextlib import ExitStack
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812 (torch's own convention)

from reportgen.analyses.saliency.exposed import ExposedNetwork
from reportgen.analyses.saliency.rescaled_calls import OwnStatistics

_TOO_NEAR = 1e-4
"""Differences of so small a share of two numbers say less of a slope than the slope there."""

_Given = dict[nn.Module, Tensor]


def contributions(exposed: ExposedNetwork, clip: Tensor, baseline: Tensor, class_index: int) -> Tensor:
    """Return what each pixel of a clip adds to a class logit against a baseline of its shape, by the rescale rule."""
    before = _recorded(exposed, baseline)
    asked = clip.detach().clone().requires_grad_()
    with ExitStack() as stack:
        for module in exposed.calls:
            if module in before:
                stack.callback(module.register_forward_hook(partial(_linear, before[module])).remove)
        logits = exposed(asked)
    (slopes,) = torch.autograd.grad(logits[:, class_index].sum(), asked)
    return slopes * (asked.detach() - baseline)


def _recorded(exposed: ExposedNetwork, baseline: Tensor) -> _Given:
    """Return what each nonlinear call is given of the baseline."""
    given: _Given = {}

    def keep(module: nn.Module, args: tuple[Tensor, ...], _output: Any) -> None:
        given[module] = args[0].detach()

    with ExitStack() as stack:
        for module in exposed.calls:
            stack.callback(module.register_forward_hook(keep).remove)
        exposed(baseline.detach().clone().requires_grad_())
    return given


def _linear(before: Tensor, module: nn.Module, args: tuple[Tensor, ...], output: Tensor) -> Tensor:
    """Return a call's `output` as a linear function of what it is given, that takes on its baseline `before`."""
    given = args[0]
    if given.shape != before.shape:
        return output
    if isinstance(module, OwnStatistics):
        sloped = _of_norm(module, given, before)
    elif isinstance(module, nn.MaxPool2d | nn.MaxPool3d):
        sloped = _of_pool(module, given, before)
    else:
        sloped = given * _slope(module, given.detach(), before)
    return output.detach() + sloped - sloped.detach()


def _slope(module: nn.Module, given: Tensor, before: Tensor) -> Tensor:
    """Return the slope between two points of an element-wise function; where they are as good as one, that there."""
    point = given.clone().requires_grad_()
    (there,) = torch.autograd.grad(module.forward(point).sum(), point)
    with torch.no_grad():
        step = given - before
        near = step.abs() <= _TOO_NEAR * (given.abs() + before.abs())
        return torch.where(near, there, (module.forward(given) - module.forward(before)) / torch.where(near, 1.0, step))


def _of_norm(norm: OwnStatistics, given: Tensor, before: Tensor) -> Tensor:
    """Return the norm as a sum: of values above their mean times a mean factor, and of that factor's own change.

    The product c r of both gains (c1 - c0) (r1 + r0) / 2 + (c1 + c0) / 2 (r1 - r0), and r is a function of the variance
    alone, which gains the mean of (c1 + c0) (c1 - c0).
    """
    above, own, old = norm.above(given), norm.above(given.detach()), norm.above(before)
    after, first = norm.variance(own), norm.variance(old)
    factor, factor_before = after.rsqrt(), first.rsqrt()
    # (r1 - r0) / (v1 - v0) without a difference: r = v^-1/2
    change = -(factor * factor_before).square() / (factor + factor_before)
    spread = ((own + old) * above).mean(norm.over, keepdim=True)
    return norm.scaled(above * (factor + factor_before) / 2 + (own + old) / 2 * change * spread, given)


def _of_pool(pool: nn.Module, given: Tensor, before: Tensor) -> Tensor:
    """Return each window's maximum as a sum of the clip's own largest place and the baseline's.

    What rises to the higher of the two maxima is due to the one, what falls from it to the other (Lundberg and Lee
    2017, arXiv 1705.07874, as their code has it).
    """
    flat = given.flatten(2)
    step = (given.detach() - before).flatten(2)
    (now, there), (old, place) = (_maxima(pool, values) for values in (given.detach(), before))
    higher = torch.maximum(now, old)
    found = torch.zeros_like(now).flatten(2)
    for where, share in ((there, higher - old), (place, now - higher)):
        index = where.flatten(2)
        moved = step.gather(2, index)
        slope = torch.where(moved == 0, 0.0, share.flatten(2) / torch.where(moved == 0, 1.0, moved))
        found = found + slope * flat.gather(2, index)
    return found.view_as(now)


def _maxima(pool: Any, values: Tensor) -> tuple[Tensor, Tensor]:
    kind = F.max_pool2d if isinstance(pool, nn.MaxPool2d) else F.max_pool3d
    sides = pool.kernel_size, pool.stride, pool.padding, pool.dilation, pool.ceil_mode
    found: tuple[Tensor, Tensor] = kind(values, *sides, return_indices=True)
    return found
