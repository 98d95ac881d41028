"""A network that is asked for its logits in bfloat16, all but the sums that make up its classes."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, fields

import torch
from torch import Tensor, nn
from torch.nn import functional

from reportgen.networks.core.network import Network


@dataclass(frozen=True)
class ReducedNetwork(Network):
    """A network whose logits, those of `asked`, are computed in bfloat16, but for its linear layers.

    A classifier adds up thousands of features, of which bfloat16's rounding cancels out, to a logit, of which it would
    not: that of a logit is as large as what hiding a part of a clip changes. Whether the answers serve is to be asked
    of the clips at hand. Everything else than logits is the network's own.
    """

    asked: Network = field(kw_only=True)

    @classmethod
    def of(cls, network: Network) -> ReducedNetwork:
        """Return the same network, asked in bfloat16."""
        return cls(**{one.name: getattr(network, one.name) for one in fields(Network)}, asked=network)

    def logits(self, clips: Tensor) -> Tensor:
        """Return the class logits `N K` float32 of clips `N C T H W`."""
        with in_bfloat16(self):
            return self.asked.logits(clips).float()


@contextmanager
def in_bfloat16(network: Network) -> Iterator[None]:
    """Compute passes of a network in bfloat16 within the context, but for its linear layers, and their way back."""
    with torch.autocast(network.device.type, torch.bfloat16, cache_enabled=False), _exact_sums(network.module):
        yield


@contextmanager
def _exact_sums(module: nn.Module) -> Iterator[None]:
    """Compute torch's own linear layers in float32 within the context, also within an autocast."""
    own = [part for part in module.modules() if type(part) is nn.Linear and "forward" not in vars(part)]
    for part in own:
        vars(part)["forward"] = _ExactSums(part)
    try:
        yield
    finally:
        for part in own:
            del vars(part)["forward"]


@dataclass(frozen=True, eq=False)
class _ExactSums:
    layer: nn.Linear

    def __call__(self, features: Tensor) -> Tensor:
        with torch.autocast(features.device.type, enabled=False):
            return functional.linear(features.float(), self.layer.weight, self.layer.bias)
