"""A network whose rectifiers let something through of what lies below their threshold."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.nn import functional
from torch.overrides import TorchFunctionMode

from reportgen.networks.trace.rectifiers import RECTIFIERS, CappedReLU

_LINEAR = 20.0
"""Of softnesses: from there on a softplus is its argument."""


class SmoothedRectifiers(TorchFunctionMode):
    """Within the context each rectifier, however it is called, is a softplus as soft as what it is given varies.

    A unit below its threshold then passes on the more the nearer it is to it, and a gradient reaches what would bring
    it there, where the rectifiers themselves pass on nothing. What runs in compiled code stays as it is.
    """

    def __torch_function__(
        self, func: Any, _types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        """Run the function, or what is in its place."""
        kwargs = kwargs or {}
        builder = RECTIFIERS.get(func) if "out" not in kwargs else None
        if builder is None:
            return func(*args, **kwargs)
        first, *_ = args or (kwargs["input"],)
        found = builder(*(args or (first,)), **{name: value for name, value in kwargs.items() if name != "input"})
        if found is None:
            return func(*args, **kwargs)
        answer = _smoothed(first if found.given is None else found.given)
        if isinstance(found.module, CappedReLU):
            answer = answer.clamp_max(found.module.ceiling)
        return first.copy_(answer) if found.in_place else answer


def _smoothed(values: Tensor) -> Tensor:
    """Return a softplus of each sample's values, as soft as their standard deviation."""
    if values.device.type != "cpu":
        return _smoothed_there(values)
    softness = [max(_spread(own), 1e-6) for own in values.detach()]
    answer: Tensor = _Softplus.apply(values, softness)  # type: ignore[no-untyped-call, unused-ignore]
    return answer


def _smoothed_there(values: Tensor) -> Tensor:
    """Return the same by operations that a recorded step may have: no number comes to the host."""
    with torch.no_grad():
        spread = values.flatten(1).std(1, correction=0).clamp_min(1e-6)
        softness = spread.view(-1, *[1] * (values.ndim - 1))
    # Not by `clamp` or `relu`, which would come back here: softplus of the scaled values.
    return functional.softplus(values / softness) * softness


def _spread(values: Tensor) -> float:
    """Return the standard deviation of values, read in the order in which they lie: torch's own is slow in another."""
    axes = sorted(range(values.ndim), key=values.stride, reverse=True)
    return float(values.permute(axes).reshape(-1).float().std(correction=0))


class _Softplus(torch.autograd.Function):
    """A softplus as soft as is said for each sample, in one pass over memory there and one back."""

    @staticmethod
    def forward(ctx: Any, values: Tensor, softness: list[float]) -> Tensor:
        ctx.save_for_backward(values.clone())  # the network may write over its own
        ctx.softness = softness
        answer = torch.empty_like(values)
        for own, given, soft in zip(answer, values, softness, strict=True):
            torch.ops.aten.softplus.out(given, 1 / soft, _LINEAR, out=own)
        return answer

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, None]:
        (values,) = ctx.saved_tensors
        found = torch.empty_like(values)
        for own, given, back, soft in zip(found, values, gradient, ctx.softness, strict=True):
            torch.ops.aten.softplus_backward.grad_input(back, given, 1 / soft, _LINEAR, grad_input=own)
        return found, None
