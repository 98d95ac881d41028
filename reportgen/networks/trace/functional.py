"""Convolutions and linear maps that a network computes by calling functions: no layer stands for them on any page."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from torch import Tensor, nn, no_grad

from reportgen.networks.core.observing import Observer
from reportgen.networks.trace.constants import memory_of

_PRODUCTS = {"mm": (0, 1), "bmm": (0, 1), "mv": (0, 1), "addmm": (1, 2), "addmv": (1, 2), "baddbmm": (1, 2)}
"""Matrix products, with the places of their factors among the arguments."""

_WHOLE = {"_native_multi_head_attention", "_transformer_encoder_layer_fwd"}
"""What torch runs in place of its own attention modules where nothing needs a gradient."""


class _Counting(Observer):
    """Counts the convolutions, and the products with weights, that are executed outside of layers."""

    def __init__(self, weights: Mapping[int, Tensor]) -> None:
        super().__init__()
        self.weights = weights
        self.within: list[nn.Module] = []
        self.convolutions: Counter[str] = Counter()
        self.products: Counter[str] = Counter()

    def __torch_dispatch__(
        self, func: Any, types: Any, args: Sequence[Any] = (), kwargs: Mapping[str, Any] | None = None
    ) -> Any:
        """Execute the operation."""
        name = func.overloadpacket.__name__
        if name == "convolution" and not self.within:
            weight: Tensor = args[1]
            self.convolutions[f"{weight.ndim - 2}D, {_shape(weight)}"] += 1
        if name in _PRODUCTS and not self.within:
            for place in _PRODUCTS[name]:
                if (whole := self.weights.get(memory_of(args[place]))) is not None:
                    self.products[_shape(whole)] += 1
                    break
        elif name in _WHOLE and not self.within:
            for given in filter(lambda one: isinstance(one, Tensor), args):
                if (whole := self.weights.get(memory_of(given))) is not None:
                    self.products[_shape(whole)] += 1
        return func(*args, **(kwargs or {}))


def functional_layers(module: nn.Module, run: Callable[[], object]) -> tuple[dict[str, int], dict[str, int]]:
    """Return how often which weights are convolved with, and multiplied by, outside of layers while `run` runs.

    Both are counted by the weights' shapes. A weight is known by its memory: one that is computed first (a norm of its
    own, say) and then multiplied by is not found.
    """
    counting = _Counting({memory_of(weight): weight for weight in module.parameters() if weight.ndim > 1})

    def enter(part: nn.Module, _args: Any) -> None:
        counting.within.append(part)

    def leave(_part: nn.Module, _args: Any, _output: Any) -> None:
        counting.within.pop()

    layers = [part for part in module.modules() if isinstance(part, nn.modules.conv._ConvNd | nn.Linear)]
    handles = [part.register_forward_pre_hook(enter) for part in layers]
    handles += [part.register_forward_hook(leave) for part in layers]
    try:
        with no_grad(), counting:
            run()
    finally:
        for handle in handles:
            handle.remove()
    return dict(counting.convolutions), dict(counting.products)


def _shape(weight: Tensor) -> str:
    return " ".join(map(str, weight.shape))
