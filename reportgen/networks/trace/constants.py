"""Following a network's weights through its forward pass, so that each kernel operation knows whose kernel it uses."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from reportgen.networks.core.observing import takes_a_shape

_TRANSPOSES = frozenset(
    {"t()", "transpose(0, 1)", "transpose(1, 0)", "transpose(-1, -2)", "transpose(-2, -1)", "numpy_T()"}
)


_RESHAPES = frozenset({"expand", "view", "_unsafe_view", "unsqueeze", "squeeze"})


@dataclass(frozen=True)
class Constant:
    """What a tensor that depends on no input was made of: the parameters and buffers, and the steps since.

    Two tensors with equal `Constant` hold equal values, also in different forward passes.
    """

    roots: tuple[str, ...]
    steps: tuple[str, ...] = ()

    @property
    def parameter(self) -> str | None:
        """The one parameter that this tensor is, possibly transposed; None when it was computed from parameters."""
        if len(self.roots) == 1 and all(step in _TRANSPOSES for step in self.steps):
            return self.roots[0]
        return None

    @property
    def name(self) -> str:
        """The layer's name as far as the tensor tells it: its parameter's, without a last part `weight`."""
        if not self.roots:
            return ""
        owner, _, leaf = self.roots[0].rpartition(".")
        if ".parametrizations." in f".{self.roots[0]}":
            return f".{self.roots[0]}".split(".parametrizations.")[0].lstrip(".")
        weight = leaf == "weight" or (len(self.roots) > 1 and leaf.startswith("weight"))
        return owner if weight and owner else self.roots[0]

    def made_by(self, operations: Collection[str]) -> bool:
        """Return whether one of these operations is among its steps."""
        return any(step.partition("(")[0] in operations for step in self.steps)


class Constants:
    """The constants of one forward pass: parameters, buffers, and what the pass derives from them alone.

    `state` are the parameters and buffers that the module runs with, where they are not its own.
    """

    def __init__(self, module: nn.Module, state: Mapping[str, Tensor] | None = None) -> None:
        self._known: dict[int, Constant] = {}
        self._held: list[Tensor] = []  # an id is only unique while its tensor lives
        own = [*module.named_parameters(), *module.named_buffers()]
        for name, tensor in own if state is None else [(name, state[name]) for name, _ in own]:
            self._known.setdefault(id(tensor), Constant((name,)))

    def __getitem__(self, tensor: Tensor) -> Constant | None:
        return self._known.get(id(tensor))

    def observe(self, name: str, inputs: Sequence[Tensor], settings: Iterable[Any], outputs: Sequence[Tensor]) -> bool:
        """Note what an operation did; return whether it computed from constants alone.

        `settings` are the operation's arguments that are not tensors.
        """
        if takes_a_shape(name):
            inputs = ()
        known = [self._known.get(id(tensor)) for tensor in inputs]
        if any(constant is None for constant in known):
            self._forget(outputs)
            return False
        made_of = [constant for constant in known if constant is not None]
        if len(inputs) == len(outputs) == 1 and _same_matrix(name, inputs[0], outputs[0]):
            self._known[id(outputs[0])] = made_of[0]
            self._held.append(outputs[0])
            return True
        roots = tuple(dict.fromkeys(root for constant in made_of for root in constant.roots))
        step = f"{name}({', '.join(_plain(setting) for setting in settings)})"
        steps = (*(step for constant in made_of for step in constant.steps), step)
        for position, tensor in enumerate(outputs):
            own = steps if len(outputs) == 1 else (*steps, f"[{position}]")
            self._known[id(tensor)] = Constant(roots, own)
            self._held.append(tensor)
        return True

    def _forget(self, written: Sequence[Tensor]) -> None:
        """A constant that something else was written into is none any more, nor is what shares its memory."""
        places = {memory_of(tensor) for tensor in written if id(tensor) in self._known}
        for tensor in self._held if places else ():
            if memory_of(tensor) in places:
                self._known.pop(id(tensor), None)


def memory_of(tensor: Tensor) -> int:
    """Return what tells the memory of a tensor, which its views share, from that of others; on any device."""
    return int(tensor.untyped_storage()._cdata)


def _same_matrix(name: str, given: Tensor, result: Tensor) -> bool:
    """Whether an operation does no more than give a matrix batch axes, repeat it along them, or take them away.

    Whether torch does that on the way to a product depends on which of the factors need gradients.
    """
    if name not in _RESHAPES or given.ndim < 2 or result.ndim < 2 or given.shape[-2:] != result.shape[-2:]:
        return False
    return given.numel() == result.numel() or (_is_repeated(given) and _is_repeated(result))


def _is_repeated(matrices: Tensor) -> bool:
    """Whether a batch of matrices is one matrix over and over, in the same place of the memory."""
    return all(size == 1 or stride == 0 for size, stride in zip(matrices.shape[:-2], matrices.stride(), strict=False))


def _plain(setting: Any) -> str:
    return "" if isinstance(setting, torch.device | torch.dtype) else repr(setting)
