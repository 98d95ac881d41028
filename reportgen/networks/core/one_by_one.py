"""Networks that are given one clip a call: they loop over the clips, or mix the clips of a batch."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from typing import Any
from weakref import WeakKeyDictionary

import torch
from torch import Tensor, nn
from torch.utils.hooks import RemovableHandle

from reportgen.networks.core.network import Network
from reportgen.networks.core.observing import Observer, named_arguments, tensors_of
from reportgen.networks.core.passes import REFUSALS
from reportgen.networks.core.random_state import drawing_from


def given_one_by_one(network: Network, clip_shape: Sequence[int]) -> Network:
    """Return a network that is given one clip a call where clips of `clip_shape` `C T H W` are not to share one.

    That is where it loops over them, for what a layer returns is to be of one clip, as everything that reads layers
    expects; and where the answer to a clip depends on the others. A loop, and a norm that goes by the statistics of the
    batch, are seen by a pass of one clip and one of two, without arithmetic where the network allows that: in the
    second a layer runs more often. What else mixes clips (a mean over the batch, a softmax) is seen by two passes in
    which the second clip alone is another one, made once for a module and a shape. A network that cannot be asked stays
    as it is.
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
        alone = looped or two.mixes or _mixed(network, tuple(clip_shape))
        return replace(network, one_by_one=True) if alone else network
    return network


_MIXED: WeakKeyDictionary[nn.Module, dict[tuple[int, ...], bool]] = WeakKeyDictionary()
_ROUNDING = 1e-6


def _mixed(network: Network, clip_shape: tuple[int, ...]) -> bool:
    """Return whether what a network returns of a clip of `clip_shape` `C T H W` depends on the other of the batch."""
    known = _MIXED.setdefault(network.module, {})
    if clip_shape not in known and network.device.type != "meta":
        known[clip_shape] = _changes_with_another(network, clip_shape)
    return known.get(clip_shape, False)


def _changes_with_another(network: Network, clip_shape: tuple[int, ...]) -> bool:
    """Return whether more than half of what is returned of two clips changes where one of them is another one."""
    parameter = next((one for one in network.module.parameters() if one.is_floating_point()), None)
    dtype = torch.float32 if parameter is None else parameter.dtype
    noise = torch.rand((3, *clip_shape), generator=torch.Generator().manual_seed(0))
    clips = (noise * torch.tensor([0.3, 0.7, 1.0]).view(3, 1, 1, 1, 1)).to(network.device, dtype)
    answers = []
    for other in (1, 2):
        try:
            with torch.no_grad(), drawing_from(0, [network.device]):
                answers.append(tensors_of(network.run(clips[[0, other]])))
        except REFUSALS:
            return False
    changed = [
        (after - before).abs() > _ROUNDING * before.abs().max()
        for before, after in zip(*answers, strict=False)
        if before.shape == after.shape and before.is_floating_point() and before.numel() > 1
    ]
    return any(2 * int(one.sum()) > one.numel() for one in changed)


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
