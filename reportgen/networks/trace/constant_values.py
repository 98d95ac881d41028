"""The values of what a pass without arithmetic computes from constants alone: masks, indices, tables of places."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch._subclasses.fake_tensor import FakeTensor
from torch.utils._pytree import tree_map
from torch.utils.weak import WeakIdKeyDictionary

from reportgen.networks.core.observing import takes_a_shape, tensors_of

_LARGEST = 1 << 25
"""Of constants with more elements the values are not kept."""

_SAME = frozenset({torch.ops.aten._to_copy, torch.ops.aten.detach})
"""What brings a network's weights to the device of a pass: nothing has to be computed for it."""


@dataclass(frozen=True, eq=False)
class _Rearranged:
    """A weight as views of it show it: looked at when it is asked for, since most never are."""

    weight: nn.Parameter
    views: tuple[Callable[[Tensor], Tensor], ...] = ()

    def values(self) -> Tensor | None:
        """Return the values, of which none counts as a special one; None where there are none."""
        if self.weight.is_meta or self.weight.numel() > _LARGEST:
            return None
        shown = self.weight.detach().cpu()
        shown = shown if shown.count_nonzero() == shown.numel() else torch.where(shown == 0, 1, shown)
        for view in self.views:
            shown = view(shown)
        return shown


class ConstantValues:
    """Computes beside a pass, on the CPU, what it makes from constants.

    Weights count as numbers of no special value: one that is 0 in a network without training is not 0 for good.
    """

    def __init__(self) -> None:
        self._known = WeakIdKeyDictionary()

    def of(self, tensor: Tensor) -> Tensor | None:
        """Return the values of a constant; None where they are not known."""
        known: Tensor | _Rearranged | None = self._weight(tensor) or self._known.get(tensor)
        if known is not None:
            return known.values() if isinstance(known, _Rearranged) else known
        small = tensor.numel() <= _LARGEST and not isinstance(tensor, FakeTensor)
        return tensor.detach().cpu() if small and not tensor.is_meta else None

    def follow(self, func: Any, args: Sequence[Any], kwargs: Mapping[str, Any], outputs: Sequence[Tensor]) -> None:
        """Compute what an operation on constants returned, where that has no values of its own or comes of weights."""
        if func.overloadpacket in _SAME and outputs[0].dtype == args[0].dtype:
            if (
                same := self._weight(args[0]) or self._known.get(args[0], args[0] if outputs[0].is_meta else None)
            ) is not None:
                self._known[outputs[0]] = same
            return
        arguments = tensors_of((args, kwargs))
        computed = any(one in self._known or isinstance(one, nn.Parameter) for one in arguments)
        if not computed and not any(one.is_meta for one in outputs):
            return
        if len(arguments) == len(outputs) == 1 and (weight := self._weight(arguments[0])) and _shows(func):
            self._known[outputs[0]] = _Rearranged(
                weight.weight, (*weight.views, lambda given: _called(func, args, kwargs, {id(arguments[0]): given})[0])
            )
            return
        given = {} if self._unknowable(func, outputs) else self._given(func, arguments)
        if any(value is None for value in given.values()) or (arguments and not given):
            self.forget(outputs)
            return
        for output, value in zip(outputs, _called(func, args, kwargs, given), strict=True):
            self._known[output] = value

    def forget(self, tensors: Sequence[Tensor]) -> None:
        """Drop what is known of tensors that something else was written into."""
        for tensor in tensors:
            self._known.pop(tensor, None)

    def _weight(self, tensor: Tensor) -> _Rearranged | None:
        if isinstance(tensor, nn.Parameter):
            return _Rearranged(tensor)
        known = self._known.get(tensor)
        return known if isinstance(known, _Rearranged) else None

    def _unknowable(self, func: Any, outputs: Sequence[Tensor]) -> bool:
        """Whether an operation draws lots, returns too much, or writes into what is not the pass's own."""
        if torch.Tag.nondeterministic_seeded in func.tags or any(one.numel() > _LARGEST for one in outputs):
            return True
        return bool(func._schema.is_mutable) and not all(isinstance(self._known.get(one), Tensor) for one in outputs)

    def _given(self, func: Any, arguments: Sequence[Tensor]) -> dict[int, Tensor | None]:
        if takes_a_shape(func.overloadpacket.__name__):
            return {id(one): torch.empty((), dtype=one.dtype).expand(one.shape) for one in arguments}
        return {id(one): self.of(one) for one in arguments}


def _shows(func: Any) -> bool:
    """Whether an operation returns the elements of one tensor and does nothing to them."""
    returned = func._schema.returns
    views = any(one.alias_info is not None and not one.alias_info.is_write for one in returned)
    return views or func.overloadpacket.__name__ == "_to_copy"


def _called(func: Any, args: Any, kwargs: Mapping[str, Any], given: Mapping[int, Tensor | None]) -> list[Tensor]:
    """Return what an operation returns on the CPU when it is given other tensors."""

    def placed(one: Any) -> Any:
        if isinstance(one, Tensor):
            return given[id(one)]
        return torch.device("cpu") if isinstance(one, torch.device) else one

    return tensors_of(func(*tree_map(placed, tuple(args)), **tree_map(placed, dict(kwargs))))
