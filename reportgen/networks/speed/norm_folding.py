"""Frozen batch norms that can be a part of the convolution before them: which these are, found by following a pass.

In evaluation mode a batch norm scales and shifts channels, which the weights of a convolution can do as well. That
changes no answer where the norm alone reads what the convolution returns, in the one call that each of both has.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from contextlib import ExitStack, suppress
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils._pytree import tree_leaves

from reportgen.errors import NetworkError
from reportgen.networks.core.network import Network
from reportgen.networks.core.observing import Observer
from reportgen.networks.core.passes import REFUSALS, run_until
from reportgen.networks.speed.plain_layers import hooked, is_plain_convolution

_NORMS = (nn.BatchNorm2d, nn.BatchNorm3d)


def foldable_norms(network: Network, clip: Tensor, layer: str | None, keep: Collection[str]) -> dict[str, str]:
    """Return by each convolution the norm that it can take in, on the way of a clip `1 C T H W` to `layer` or the end.

    The pass is made without arithmetic, so that nothing on its way depends on values; a network that asks for some has
    no such norms. Nor have layers with hooks, or those named in `keep`.
    """
    module = network.module
    convolutions = {n: m for n, m in module.named_modules() if is_plain_convolution(m) and n not in keep}
    norms = {n: m for n, m in module.named_modules() if type(m) in _NORMS and not hooked(m)}
    seen = _Reading()
    returned: dict[str, list[Tensor]] = {}
    given: dict[str, list[Tensor]] = {}
    overheard: list[Any] = []
    with suppress(NetworkError, *REFUSALS), ExitStack() as stack, torch.no_grad(), seen:
        for name, part in module.named_modules():
            if name in convolutions:
                stack.callback(part.register_forward_hook(partial(_note_output, returned, name)).remove)
            elif name in norms:
                stack.callback(part.register_forward_pre_hook(partial(_note_input, given, name)).remove)
            elif hooked(part) or name in keep:
                stack.callback(part.register_forward_hook(partial(_overhear, overheard)).remove)
        empty = torch.empty_like(clip, device="meta")
        _ = network.logits(empty) if layer is None else run_until(network, empty, layer)
        return _pairs(seen, returned, given, {id(one) for one in tree_leaves(overheard)})
    return {}


def _pairs(
    seen: _Reading, returned: Mapping[str, list[Tensor]], given: Mapping[str, list[Tensor]], overheard: set[int]
) -> dict[str, str]:
    takers = {id(inputs[0]): name for name, inputs in given.items() if len(inputs) == 1}
    found = {}
    for name, outputs in returned.items():
        if len(outputs) == 1 and id(outputs[0]) in takers and id(outputs[0]) not in overheard:
            readers = seen.readers.get(id(outputs[0]), [])
            if len(readers) == 1 and readers[0] == "evaluated norm":
                found[name] = takers[id(outputs[0])]
    return found


def folded(convolution: nn.Conv2d | nn.Conv3d, norm: nn.BatchNorm2d | nn.BatchNorm3d) -> tuple[Tensor, Tensor]:
    """Return weight and bias of a convolution that does the work of both."""
    assert norm.running_mean is not None  # it was seen to be evaluated
    assert norm.running_var is not None
    gain = torch.rsqrt(norm.running_var.double() + norm.eps)
    gain = gain if norm.weight is None else gain * norm.weight.detach().double()
    offset = -norm.running_mean.double() * gain
    offset = offset if norm.bias is None else offset + norm.bias.detach().double()
    if convolution.bias is not None:
        offset = offset + convolution.bias.detach().double() * gain
    weight = convolution.weight.detach()
    shape = (-1,) + (1,) * (weight.ndim - 1)
    return (weight.double() * gain.view(shape)).to(weight.dtype), offset.to(weight.dtype)


class _Reading(Observer):
    """Notes for each tensor which operations read it; a tensor lives as long as this, so that its id is its own."""

    def __init__(self) -> None:
        super().__init__()
        self.readers: dict[int, list[str]] = {}
        self._held: list[Any] = []

    def __torch_dispatch__(
        self, func: Any, _types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        answer = func(*args, **(kwargs or {}))
        what = "evaluated norm" if _evaluates_norm(func, args) else str(func)
        for tensor in tree_leaves((args, kwargs)):
            if isinstance(tensor, Tensor):
                self.readers.setdefault(id(tensor), []).append(what)
        self._held += [args, kwargs, answer]
        return answer


def _evaluates_norm(func: Any, args: tuple[Any, ...]) -> bool:
    """Return whether an operation is a batch norm by statistics that it has."""
    aten = torch.ops.aten
    if func is aten.native_batch_norm.default:
        return not args[5]
    return func is aten._native_batch_norm_legit_no_training.default


def _note_output(into: dict[str, list[Tensor]], name: str, _module: nn.Module, _args: Any, output: Tensor) -> None:
    into.setdefault(name, []).append(output)


def _note_input(into: dict[str, list[Tensor]], name: str, _module: nn.Module, args: tuple[Tensor, ...]) -> None:
    into.setdefault(name, []).append(args[0])


def _overhear(into: list[Any], _module: nn.Module, args: Any, output: Any) -> None:
    into += [args, output]
