"""Networks that take the clips of a call one after the other, so that a layer runs once for each."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import replace

import torch
from torch import Tensor, nn
from torch.utils.hooks import RemovableHandle

from reportgen.networks.core.network import Network
from reportgen.networks.core.passes import REFUSALS


def given_one_by_one(network: Network, clip_shape: Sequence[int]) -> Network:
    """Return a network that is given one clip a call where it loops over the clips of `clip_shape` `C T H W`.

    What a layer returns is then of one clip, as everything that reads layers expects. Whether it loops is seen by a
    pass of one clip and one of two, without arithmetic where the network allows that: a layer runs more often in the
    second. A network that cannot be asked stays as it is.
    """
    if network.at_once(2) == 1:
        return network
    for device in dict.fromkeys((torch.device("meta"), network.device)):
        clips = torch.full((2, *clip_shape), 0.5, device=device)
        try:
            one, two = _calls(network, clips[:1]), _calls(network, clips)
        except REFUSALS:  # it asks for values, or is not made for such clips: whatever needs it says so
            continue
        looped = any(two[name] > count for name, count in one.items())
        return replace(network, one_by_one=True) if looped else network
    return network


def _calls(network: Network, clips: Tensor) -> Counter[str]:
    """Return how often each module without children runs in a pass."""
    counts: Counter[str] = Counter()
    with ExitStack() as stack, torch.no_grad():
        for name, module in network.module.named_modules():
            if next(module.children(), None) is None:
                stack.callback(_counted(module, name, counts).remove)
        network.run(clips)
    return counts


def _counted(module: nn.Module, name: str, counts: Counter[str]) -> RemovableHandle:
    def count(_module: nn.Module, _args: object) -> None:
        counts[name] += 1

    return module.register_forward_pre_hook(count)
