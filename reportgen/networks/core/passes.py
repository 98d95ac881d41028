"""Passes through a part of a network: up to a layer, or up to what it is given."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

from torch import Tensor, nn
from torch.func import functional_call

from reportgen.networks.core.network import Network
from reportgen.networks.core.taps import Reached, Taps

REFUSALS = (RuntimeError, NotImplementedError, TypeError, ValueError, AssertionError, IndexError, KeyError)
"""What a network may raise on a clip that it was not made for, or on the meta device, which has no values."""


def run_until(network: Network, clips: Tensor, layer: str) -> Tensor:
    """Return the output of `layer` (`N K T H W`, pre-activation for a convolution), running nothing behind it.

    `clips` are `N C T H W` in [0, 1] RGB; gradients flow back to them. Clips on the meta device run without
    arithmetic, wherever the network is; most networks can.
    """
    name = network.layer_name(layer)
    with Taps(network.module, [name], stop_at=name) as taps:
        with suppress(Reached):
            argument = network.prepare(clips)
            if clips.device.type == "meta":
                functional_call(network.module, ghosts(network.module), (argument,))
            else:
                network.module(argument)
        return taps[name]


def input_of(module: nn.Module, argument: Any, layer: str) -> Tensor:
    """Return what `layer` is given when `module` is called with `argument`; nothing from the layer on is run."""
    inputs: list[Tensor] = []

    def keep(_module: nn.Module, args: tuple[Tensor, ...]) -> None:
        inputs.append(args[0])
        raise Reached

    handle = module.get_submodule(layer).register_forward_pre_hook(keep)
    try:
        with suppress(Reached):
            module(argument)
    finally:
        handle.remove()
    return inputs[0]


def ghosts(module: nn.Module) -> dict[str, Tensor]:
    """Return the parameters and buffers of a module on the meta device: their shapes without their values."""
    state = [*module.named_parameters(), *module.named_buffers()]
    return {name: value.detach().to("meta") for name, value in state}
