"""Passes of a clip without values: what is asked of the shapes of a network, without arithmetic."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import replace
from typing import Any, TypeVar

import torch
from torch import Tensor
from torch._subclasses.fake_tensor import FakeTensorMode
from torch.overrides import TorchFunctionMode

from reportgen.networks.core.call import ghosts
from reportgen.networks.core.network import Network

_T = TypeVar("_T")

_ATTENTION = frozenset({"scaled_dot_product_attention", "multi_head_attention_forward"})  # the one calls the other
_ONE_ON_A_PROCESSOR = frozenset({*_ATTENTION, "lstm", "gru", "rnn_tanh", "rnn_relu"})
_BY_STRIDES = frozenset({"as_strided", "as_strided_"})
_WITH_AUTOCAST = ("cpu", "cuda")


def without_values(
    network: Network,
    clip_shape: Sequence[int],
    device: torch.device,
    dtype: torch.dtype,
    ask: Callable[[Network, Tensor], _T],
) -> _T:
    """Return what `ask` finds of a network and a clip of this shape whose passes compute nothing.

    First the clip lies on the meta device, with stand-ins for the network's parameters and buffers. Where the network
    does not run there, as with tensors on a device that its code names, or not by the same operations, it is asked with
    torch's fake tensors, which know the device and how a tensor lies in memory: making the first of them takes torch
    seconds. Raises what the network's code raises for want of values.
    """
    with suppress(Exception), _SameOperations():  # a network's own code may raise anything there; fake tensors tell
        return ask(_on_meta(network), torch.empty(tuple(clip_shape), device="meta", dtype=dtype))
    with _untold_by_torch(), FakeTensorMode(allow_non_fake_inputs=True):
        return ask(network, torch.empty(tuple(clip_shape), device=device, dtype=dtype))


class _SameOperations(TorchFunctionMode):
    """Refuses what torch computes by other operations on the meta device than on one that computes."""

    def __torch_function__(
        self, func: Any, types: Any, args: Sequence[Any] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        """Run a function of torch."""
        name = getattr(func, "__name__", "")
        if name in _ONE_ON_A_PROCESSOR:
            raise RuntimeError(f"{name} is one operation on a processor, and several on the meta device.")
        if name in _BY_STRIDES:
            raise RuntimeError("How a tensor lies in memory is not known on the meta device.")
        if any(map(torch.is_autocast_enabled, _WITH_AUTOCAST)):
            raise RuntimeError("On the meta device nothing is cast to fewer bits by autocast.")
        return func(*args, **(kwargs or {}))


def _on_meta(network: Network) -> Network:
    """Return the network with what stands in for its parameters and buffers, with the flags of its parameters."""
    stand_ins = ghosts(network.module)
    for name, own in network.module.named_parameters():
        stand_ins[name].requires_grad_(own.requires_grad)
    return replace(network, stand_ins=stand_ins)


@contextmanager
def _untold_by_torch() -> Iterator[None]:
    """Let torch not write to the terminal, with its stack, what an operation of fake tensors raises: it is caught."""
    logger = logging.getLogger("torch._subclasses.fake_tensor")
    was_disabled, logger.disabled = logger.disabled, True
    try:
        yield
    finally:
        logger.disabled = was_disabled
