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

from reportgen.analyses.saliency.exposed import ExposedNetwork
from reportgen.analyses.saliency.rescale_paths import AlongLine
from reportgen.analyses.saliency.rescale_rules import Tensors, ruled


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


def _recorded(exposed: ExposedNetwork, baseline: Tensor) -> dict[nn.Module, Tensors]:
    """Return what each nonlinear call is given of the baseline."""
    given: dict[nn.Module, Tensors] = {}

    def keep(module: nn.Module, args: tuple[Tensor, ...], _output: Any) -> None:
        given[module] = [one.detach() for one in args]

    with ExitStack() as stack:
        for module in exposed.calls:
            stack.callback(module.register_forward_hook(keep).remove)
        exposed(baseline.detach().clone().requires_grad_())
    return given


def _linear(before: Tensors, module: nn.Module, args: tuple[Tensor, ...], output: Any) -> Any:
    """Return a call's `output` as a linear function of what it is given, with slopes towards its baseline `before`."""
    if any(one.shape != other.shape for one, other in zip(args, before, strict=True)):
        return output
    return module.sloped(args, before) if isinstance(module, AlongLine) else ruled(module, args, before, output)
