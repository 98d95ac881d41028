"""Convolutions that a network computes by calling functions: no layer stands for them, so no page shows them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from reportgen.networks.core.observing import Observer


class _Counting(Observer):
    """Counts the convolutions that are executed, those within a convolution layer apart."""

    def __init__(self) -> None:
        super().__init__()
        self.within: list[nn.Module] = []
        self.apart: Counter[str] = Counter()

    def __torch_dispatch__(
        self, func: Any, types: Any, args: Sequence[Any] = (), kwargs: Mapping[str, Any] | None = None
    ) -> Any:
        """Execute the operation."""
        if func.overloadpacket.__name__ == "convolution" and not self.within:
            weight: Tensor = args[1]
            self.apart[f"{weight.ndim - 2}D, {' '.join(map(str, weight.shape))}"] += 1
        return func(*args, **(kwargs or {}))


def functional_convolutions(module: nn.Module, run: Callable[[], object]) -> dict[str, int]:
    """Return how often each shape of weight is convolved with outside of convolution layers while `run` runs."""
    counting = _Counting()

    def enter(part: nn.Module, _args: Any) -> None:
        counting.within.append(part)

    def leave(_part: nn.Module, _args: Any, _output: Any) -> None:
        counting.within.pop()

    layers = [part for part in module.modules() if isinstance(part, nn.modules.conv._ConvNd)]
    handles = [part.register_forward_pre_hook(enter) for part in layers]
    handles += [part.register_forward_hook(leave) for part in layers]
    try:
        with torch.no_grad(), counting:
            run()
    finally:
        for handle in handles:
            handle.remove()
    return dict(counting.apart)
