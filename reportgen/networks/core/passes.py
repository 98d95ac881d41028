"""Passes through a part of a network: up to a layer, or up to what it is given."""

from __future__ import annotations

from contextlib import suppress

from torch import Tensor, nn

from reportgen.networks.core.call import Arguments
from reportgen.networks.core.network import Network
from reportgen.networks.core.taps import Reached, Taps

REFUSALS = (RuntimeError, NotImplementedError, TypeError, ValueError, AssertionError, IndexError, KeyError)
"""What a network may raise on a clip that it was not made for, or on the meta device, which has no values."""


def run_until(network: Network, clips: Tensor, layer: str) -> Tensor:
    """Return the output of `layer` (`N K T H W`, pre-activation for a convolution), running nothing behind it.

    `clips` are `N C T H W` in [0, 1] RGB; gradients flow back to them. Clips on the meta device run without
    arithmetic, wherever the network is; most networks can.
    """
    return run_through(network, clips, layer)[-1]


def answer_at(network: Network, clips: Tensor, layer: str | None) -> Tensor:
    """Return the output of `layer` as `run_until` does, or for None the class logits `N K`."""
    return network.logits(clips) if layer is None else run_until(network, clips, layer)


def run_through(network: Network, clips: Tensor, layer: str, calls: int = 1) -> list[Tensor]:
    """Return what the first `calls` calls of `layer` return, running nothing behind them; see `run_until`.

    Raises NetworkError when it does not run.
    """
    name = network.layer_name(layer)
    with Taps(network.module, [name], stop_at=name, calls=calls) as taps:
        with suppress(Reached):
            network.run(clips, until=f"behind call {calls} of {name}")
        return [*taps.all[name][:-1], taps[name]]


def input_of(module: nn.Module, call: Arguments, layer: str) -> Tensor:
    """Return what `layer` is given when `module` is called so; nothing from the layer on is run."""
    inputs: list[Tensor] = []

    def keep(_module: nn.Module, args: tuple[Tensor, ...]) -> None:
        inputs.append(args[0])
        raise Reached

    handle = module.get_submodule(layer).register_forward_pre_hook(keep)
    try:
        with suppress(Reached):
            call.of(module, until=layer)
    finally:
        handle.remove()
    return inputs[0]
