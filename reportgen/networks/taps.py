"""Reading what layers compute, without editing the network and without leaving a trace in it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from types import TracebackType
from typing import Any, Self

from torch import Tensor, nn
from torch.func import functional_call
from torch.utils.hooks import RemovableHandle

from reportgen.errors import NetworkError
from reportgen.networks.network import Network

REFUSALS = (RuntimeError, NotImplementedError, TypeError, ValueError, AssertionError, IndexError, KeyError)
"""What a network may raise on a clip that it was not made for, or on the meta device, which has no values."""


class _Reached(Exception):  # noqa: N818 (a signal, not an error)
    """Raised by the target layer's hook: nothing behind it need run."""


class Taps:
    """The outputs of layers during forward passes made within the context.

    An output is kept as the layer returned it, attached to the autograd graph: for a convolution that is the
    pre-activation. A later in-place operation (an in-place ReLU) would overwrite it, so it is handed on as a copy;
    both the kept tensor and the copy carry gradients. A layer used several times keeps every output in `all`;
    `taps[layer]` is the last.

    Hooks are removed when the context ends, also by an error.
    """

    def __init__(self, network: Network, layers: Iterable[str], *, stop_at: str | None = None) -> None:
        self.network = network
        self.layers = [network.layer_name(layer) for layer in layers]
        self.stop_at = network.layer_name(stop_at) if stop_at else None
        self.all: dict[str, list[Tensor]] = {layer: [] for layer in self.layers}
        self._handles: list[RemovableHandle] = []

    def _keep(self, layer: str) -> Any:
        def hook(_module: nn.Module, _args: Any, output: Any) -> Any:
            if not isinstance(output, Tensor):
                raise NetworkError(f"{layer} returns a {type(output).__name__}: choose a layer that returns a tensor.")
            self.all[layer].append(output)
            if layer == self.stop_at:
                raise _Reached
            return output.clone()

        return hook

    def __enter__(self) -> Self:
        for layer in self.layers:
            self._handles.append(self.network.module.get_submodule(layer).register_forward_hook(self._keep(layer)))
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        for handle in self._handles:
            handle.remove()
        self._handles.clear()

    def __getitem__(self, layer: str) -> Tensor:
        outputs = self.all[self.network.layer_name(layer)]
        if not outputs:
            raise NetworkError(f"{layer} did not run in this forward pass: choose a layer that the clip reaches.")
        return outputs[-1]

    def clear(self) -> None:
        """Forget what was kept."""
        for outputs in self.all.values():
            outputs.clear()


def run_until(network: Network, clips: Tensor, layer: str) -> Tensor:
    """Return the output of `layer` (`N K T H W`, pre-activation for a convolution), running nothing behind it.

    `clips` are `N C T H W` in [0, 1] RGB; gradients flow back to them. Clips on the meta device run without
    arithmetic, wherever the network is; most networks can.
    """
    with Taps(network, [layer], stop_at=layer) as taps:
        with suppress(_Reached):
            argument = network.prepare(clips)
            if clips.device.type == "meta":
                functional_call(network.module, ghosts(network.module), (argument,))
            else:
                network.module(argument)
        return taps[layer]


def input_of(module: nn.Module, argument: Any, layer: str) -> Tensor:
    """Return what `layer` is given when `module` is called with `argument`; nothing from the layer on is run."""
    inputs: list[Tensor] = []

    def keep(_module: nn.Module, args: tuple[Tensor, ...]) -> None:
        inputs.append(args[0])
        raise _Reached

    handle = module.get_submodule(layer).register_forward_pre_hook(keep)
    try:
        with suppress(_Reached):
            module(argument)
    finally:
        handle.remove()
    return inputs[0]


def ghosts(module: nn.Module) -> dict[str, Tensor]:
    """Return the parameters and buffers of a module on the meta device: their shapes without their values."""
    state = [*module.named_parameters(), *module.named_buffers()]
    return {name: value.detach().to("meta") for name, value in state}


@contextmanager
def replaced(module: nn.Module, name: str, other: nn.Module) -> Iterator[None]:
    """Put `other` in the place of the submodule `name`, and the original back afterwards."""
    parent_name, _, child = name.rpartition(".")
    parent = module.get_submodule(parent_name) if parent_name else module
    original = getattr(parent, child)
    setattr(parent, child, other)
    try:
        yield
    finally:
        setattr(parent, child, original)
