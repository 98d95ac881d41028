"""The constants of a pass that read kernels may be scaled by: parameters, buffers, and what is made of them alone."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import torch
from torch import Tensor
from torch.utils._python_dispatch import _disable_current_modes
from torch.utils._pytree import tree_map_only
from torch.utils.weak import WeakIdKeyDictionary

from reportgen.networks.kernels.reader_operations import OF_NUMBERS
from reportgen.networks.trace.call import TracedCall

_SMALL = 4096
"""Constants with so many elements at most are told apart by their values."""


@dataclass(frozen=True)
class _Key:
    """A number that constants share which are made in the same way: in words a long way has no end of them."""

    number: int


class ReaderConstants:
    """Remembers which tensors of a pass are constants, and how their values are computed.

    `state` are the parameters and buffers of the pass, each with the tensor that has its values. Other tensors with
    values that the pass of `clip` did not make are constants as well.
    """

    def __init__(self, state: Sequence[tuple[Tensor, Tensor]], clip: Tensor) -> None:
        self._held: list[Tensor] = []  # an id is only unique while its tensor lives
        self._values = WeakIdKeyDictionary()
        self._found = WeakIdKeyDictionary()
        self._keys = WeakIdKeyDictionary()
        self._numbered: dict[Hashable, _Key] = {}
        self._made = WeakIdKeyDictionary()
        self._made[clip] = True
        for tensor, value in state:
            self._add(tensor, partial(_same, value), ("state", id(tensor)))

    def __contains__(self, tensor: Tensor) -> bool:
        return tensor in self._values

    def given(self, tensor: Tensor) -> bool:
        """Return whether a tensor is a constant, which one with values is that the pass did not make."""
        if self.valueless(tensor) is False:
            self._add(tensor, partial(_same, tensor.detach()), _content(tensor))
        return tensor in self._values

    def valueless(self, tensor: Tensor) -> bool | None:
        """Return whether a tensor that the pass did not make, as a list that is an index, has no values here.

        None where the pass made it, or it is known.
        """
        return None if tensor in self._values or tensor in self._made else tensor.device.type == "meta"

    def note(self, func: Any, call: TracedCall[Any]) -> None:
        """Remember how what is made of constants alone is computed, for its values."""
        tensors = call.tensors()
        constant = [self.given(tensor) for tensor in tensors]
        for output in call.outputs:
            self._made[output] = True
        alike = all(constant) if tensors else call.name in OF_NUMBERS
        for place, output in enumerate(call.outputs if alike else ()):
            if output not in self._values:
                moved = not tensors or call.arguments.get("device") is not None  # a pass of shapes has no values
                arguments = {**call.arguments, **({"device": torch.device("cpu")} if moved else {})}
                key = (str(func), repr(tree_map_only(Tensor, self.key, dict(call.arguments))), place)
                self._add(output, partial(self._computed, func, arguments, place), key)

    def key(self, tensor: Tensor) -> _Key:
        """Return what a constant shares with others that have the same values by the same way."""
        found: _Key = self._keys[tensor]
        return found

    def value(self, tensor: Tensor) -> Tensor:
        """Return a constant's values, computed once: others may be made of it in many ways."""
        if tensor not in self._found:
            self._found[tensor] = self._values[tensor]()
        value: Tensor = self._found[tensor]
        return value

    def _add(self, tensor: Tensor, value: Callable[[], Tensor], key: Hashable) -> None:
        self._values[tensor], self._keys[tensor] = value, self._numbered.setdefault(key, _Key(len(self._numbered)))
        self._held.append(tensor)

    def _computed(self, func: Any, arguments: dict[str, Any], place: int) -> Tensor:
        result = called(func, tree_map_only(Tensor, self.value, arguments))
        found: Tensor = result if isinstance(result, Tensor) else result[place]
        return found


def called(func: Any, arguments: dict[str, Any]) -> Any:
    """Return an operation's result, unobserved, for arguments by the names of its schema."""
    schema = func._schema.arguments
    places = [arguments[one.name] for one in schema if not one.kwarg_only and one.name in arguments]
    named = {one.name: arguments[one.name] for one in schema if one.kwarg_only and one.name in arguments}
    with _disable_current_modes(), torch.no_grad():
        return func(*places, **named)


def _same(value: Tensor) -> Tensor:
    return value


def _content(tensor: Tensor) -> Hashable:
    """Return a key of a small tensor's values, and of a large tensor itself."""
    if tensor.numel() > _SMALL:
        return "own", id(tensor)
    with _disable_current_modes():
        return "values", str(tensor.dtype), tuple(tensor.shape), tuple(tensor.detach().cpu().flatten().tolist())
