"""Networks that are given one clip a call: they loop over the clips, or norm them by statistics of the batch."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils.hooks import RemovableHandle

from reportgen.networks.core.network import Network
from reportgen.networks.core.observing import Observer, named_arguments
from reportgen.networks.core.passes import REFUSALS


def given_one_by_one(network: Network, clip_shape: Sequence[int]) -> Network:
    """Return a network that is given one clip a call where clips of `clip_shape` `C T H W` are not to share one.

    That is where it loops over them, for what a layer returns is to be of one clip, as everything that reads layers
    expects; and where a batch norm goes by the statistics of the batch, so that the answer to a clip depends on the
    others. It is seen by a pass of one clip and one of two, without arithmetic where the network allows that: in the
    second a layer runs more often. A network that cannot be asked stays as it is.
    """
    if network.at_once(2) == 1:
        return network
    for device in dict.fromkeys((torch.device("meta"), network.device)):
        clips = torch.full((2, *clip_shape), 0.5, device=device)
        try:
            one, two = _passed(network, clips[:1]), _passed(network, clips)
        except REFUSALS:  # it asks for values, or is not made for such clips: whatever needs it says so
            continue
        looped = any(two.calls[name] > count for name, count in one.calls.items())
        return replace(network, one_by_one=True) if looped or two.mixes else network
    return network


@dataclass(frozen=True)
class _Pass:
    """How often each module without children ran, and whether a norm went by the statistics of several rows."""

    calls: Counter[str]
    mixes: bool


class _BatchStatistics(Observer):
    """Sees whether a batch norm goes by the statistics of several rows.

    An instance norm is one of a single row, which holds the channels of all clips.
    """

    def __init__(self) -> None:
        super().__init__()
        self.used = False

    def __torch_dispatch__(
        self, func: Any, types: Any, args: Sequence[Any] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        name = func.overloadpacket.__name__
        if "batch_norm" in name and len(args[0]) > 1:
            given = named_arguments(func, args, kwargs or {})
            self.used |= bool(given.get("training", name == "_batch_norm_with_update"))
        return func(*args, **(kwargs or {}))


def _passed(network: Network, clips: Tensor) -> _Pass:
    counts: Counter[str] = Counter()
    with ExitStack() as stack, torch.no_grad(), _BatchStatistics() as norms:
        for name, module in network.module.named_modules():
            if next(module.children(), None) is None:
                stack.callback(_counted(module, name, counts).remove)
        network.run(clips)
    return _Pass(counts, norms.used)


def _counted(module: nn.Module, name: str, counts: Counter[str]) -> RemovableHandle:
    def count(_module: nn.Module, _args: object) -> None:
        counts[name] += 1

    return module.register_forward_pre_hook(count)
