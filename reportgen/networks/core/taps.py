"""Reading what layers compute, without editing the network and without leaving a trace in it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from types import TracebackType
from typing import Any, Self

from torch import Tensor, nn
from torch.utils.hooks import RemovableHandle

from reportgen.errors import NetworkError, a_type


class Reached(Exception):  # noqa: N818 (a signal, not an error)
    """Raised by the target layer's hook: nothing behind it need run."""


class Taps:
    """The outputs of a module's layers, by their names in it, during forward passes made within the context.

    An output is kept as the layer returned it, attached to the autograd graph: for a convolution that is the
    pre-activation. A later in-place operation (an in-place ReLU) would overwrite it, so it is handed on as a copy;
    both the kept tensor and the copy carry gradients. A layer used several times keeps every output in `all`;
    `taps[layer]` is the last. With `stop_at` a pass ends in `Reached` behind that layer, when it has run `calls` times.

    Hooks are removed when the context ends, also by an error.
    """

    def __init__(self, module: nn.Module, layers: Iterable[str], *, stop_at: str | None = None, calls: int = 1) -> None:
        self.module = module
        self.layers = list(layers)
        self.stop_at = stop_at
        self.calls = calls
        self.all: dict[str, list[Tensor]] = {layer: [] for layer in self.layers}
        self._handles: list[RemovableHandle] = []

    def _keep(self, layer: str) -> Any:
        def hook(_module: nn.Module, _args: Any, output: Any) -> Any:
            if not isinstance(output, Tensor):
                raise NetworkError(f"{layer} returns {a_type(output)}: choose a layer that returns a tensor.")
            self.all[layer].append(output.dequantize() if output.is_quantized else output)
            if layer == self.stop_at and len(self.all[layer]) >= self.calls:
                raise Reached
            return output.clone()

        return hook

    def __enter__(self) -> Self:
        for layer in self.layers:
            self._handles.append(self.module.get_submodule(layer).register_forward_hook(self._keep(layer)))
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        for handle in self._handles:
            handle.remove()
        self._handles.clear()

    def __getitem__(self, layer: str) -> Tensor:
        outputs = self.all[layer]
        if not outputs:
            raise NetworkError(f"{layer} did not run in this forward pass: choose a layer that the clip reaches.")
        return outputs[-1]

    def clear(self) -> None:
        """Forget what was kept."""
        for outputs in self.all.values():
            outputs.clear()


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
