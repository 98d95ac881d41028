"""Where a network lets no gradient through, found without arithmetic and once for a network as it is."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from weakref import WeakKeyDictionary

import torch
from torch import Tensor, nn
from torch._subclasses.fake_tensor import FakeTensorMode

from reportgen.networks.core.network import Network
from reportgen.networks.trace.build import gradient_cuts
from reportgen.networks.trace.cuts import Cut

_KNOWN: WeakKeyDictionary[nn.Module, tuple[object, tuple[Cut, ...]]] = WeakKeyDictionary()


def known_cuts(network: Network, clip: Tensor, behind: Sequence[str] = ()) -> tuple[Cut, ...]:
    """Return what `gradient_cuts` does, for a clip of this shape.

    What was found is kept as long as the network's modules, their settings and their hooks are the same.
    """
    state = (tuple(clip.shape), tuple(behind), tuple(map(_state, network.module.modules())))
    before = _KNOWN.get(network.module)
    if before is None or before[0] != state:
        before = _KNOWN[network.module] = state, _found(network, clip, behind)
    return before[1]


def _found(network: Network, clip: Tensor, behind: Sequence[str]) -> tuple[Cut, ...]:
    try:
        with FakeTensorMode(allow_non_fake_inputs=True):
            return gradient_cuts(network, torch.empty(clip.shape, device=clip.device, dtype=clip.dtype), behind)
    except Exception:  # a network's own code may raise anything for want of values; a real pass tells
        return gradient_cuts(network, clip, behind)


def _state(module: nn.Module) -> tuple[Any, ...]:
    settings = tuple((name, _told(value)) for name, value in vars(module).items() if _tells(value))
    return id(module), type(module), len(module._forward_hooks), len(module._forward_pre_hooks), settings


def _tells(value: object) -> bool:
    return isinstance(value, bool | int | float | str) or callable(value)


def _told(value: object) -> object:
    return id(value) if callable(value) else value
