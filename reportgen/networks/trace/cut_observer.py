"""Where a network lets no gradient through: what it detaches, computes without gradients, or takes for a choice.

One pass is observed below autograd with a clip that asks for gradients. A tensor that was computed from one with a
gradient and has none when it is used was cut off there; what reaches the class scores carries its cuts with it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from torch.utils._pytree import tree_leaves
from torch.utils.weak import WeakIdKeyDictionary

from reportgen.networks.core.observing import Observer, named_arguments, operation_name, takes_a_shape
from reportgen.networks.trace.constants import memory_of
from reportgen.networks.trace.cuts import Cut
from reportgen.networks.trace.operations import meta_result

_FLAT = frozenset({"round", "floor", "ceil", "trunc", "sign", "sgn", "heaviside", "bernoulli"})
"""Operations whose derivative is zero wherever there is one."""

_Cuts = frozenset[Cut]
_NONE: _Cuts = frozenset()


@dataclass(frozen=True)
class _Carried:
    """The cuts behind a tensor: as long as a gradient leads through it, and where none does."""

    live: _Cuts = _NONE
    dead: _Cuts = _NONE


@dataclass(frozen=True)
class _Region:
    """Which elements of its memory a tensor shows."""

    offset: int
    sizes: tuple[int, ...]
    strides: tuple[int, ...]

    @classmethod
    def of(cls, tensor: Tensor) -> _Region:
        return cls(int(tensor.storage_offset()), tuple(tensor.shape), tuple(tensor.stride()))

    def apart(self, other: _Region) -> bool:
        """Return whether two regions are pieces of one tensor, cut along an axis, that share no element."""
        if (self.sizes, self.strides) != (other.sizes, other.strides):
            return False
        left = abs(self.offset - other.offset)
        for stride, size in sorted(zip(self.strides, self.sizes, strict=True), reverse=True):
            if stride > 0:
                steps, left = divmod(left, stride)
                if steps >= size:
                    return True
        return left > 0


class CutObserver(Observer):
    """While active, keeps for each tensor of a pass what was cut off on the way to it.

    `stack` holds the names of the modules that run, `ended` those that have, the last one last.
    """

    def __init__(self, stack: Sequence[str], ended: Sequence[str]) -> None:
        super().__init__()
        self._stack, self._ended = stack, ended
        self._carried = WeakIdKeyDictionary()
        self._memory: dict[int, tuple[Any, _Carried]] = {}
        self._written: dict[int, tuple[Any, dict[_Region, _Carried]]] = {}

    def begin(self, clip: Tensor) -> None:
        """Follow what is computed from a clip that asks for gradients."""
        self._note(clip, _Carried())

    def of(self, tensor: Tensor, behind: Sequence[str] = ()) -> tuple[Cut, ...]:
        """Return the cuts on the way to a tensor, in the order of the pass: those `behind` layers, where some are "
        "named."""
        found = self._read(tensor)
        cuts = found.live if tensor.requires_grad else found.dead
        order = {name: place for place, name in enumerate(self._ended)}
        first = min((order.get(layer, -1) for layer in behind), default=-1)
        met = sorted(cuts, key=lambda cut: (order.get(cut.after, -1), str(cut)))
        return tuple(cut for cut in met if order.get(cut.after, -1) >= first)

    def __torch_dispatch__(
        self, func: Any, types: Any, args: Sequence[Any] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        """Execute the operation and note which cuts lie behind its outputs."""
        inputs = [leaf for leaf in tree_leaves((args, kwargs or {})) if isinstance(leaf, Tensor)]
        asking, before = any(one.requires_grad for one in inputs), self._before(inputs)
        name = operation_name(func)
        result = meta_result(func, named_arguments(func, args, kwargs or {}), as_laid=True)
        if result is None:
            result = func(*args, **(kwargs or {}))
        for output in tree_leaves(result):
            if isinstance(output, Tensor):
                own = self._after(func.namespace, name, before, output, asking=asking)
                if func._schema.is_mutable:
                    written = self._written.setdefault(memory_of(output), (output.untyped_storage(), {}))[1]
                    written[_Region.of(output)] = own
                self._note(output, own)
        return result

    def _before(self, inputs: Iterable[Tensor]) -> _Carried:
        """Return what lies behind the inputs of an operation together.

        Without gradients nothing is decided yet: what a custom function computes so has the gradient that it says. A
        choice that only selects among what has a gradient takes nothing away from it.
        """
        enabled, inputs = torch.is_grad_enabled(), list(inputs)
        asking = any(one.requires_grad for one in inputs)
        live, dead = _NONE, _NONE
        for one in inputs:
            found = self._read(one)
            if one.requires_grad or not enabled:
                live |= found.live
            else:
                live |= frozenset(cut for cut in found.dead if not (cut.choice and asking))
            dead |= found.live if one.requires_grad else found.dead
        return _Carried(live, dead)

    def _after(self, library: str, name: str, before: _Carried, output: Tensor, *, asking: bool) -> _Carried:
        if takes_a_shape(name):
            return _Carried()
        choice = name in _FLAT or not (output.is_floating_point() or output.is_complex())
        if library == "quantized":
            cut = {self._cut(name)}
            return _Carried(before.live | cut, before.dead | cut)
        if not asking:
            return before
        words = f"{name}()" if choice or name == "detach" else "torch.no_grad()"
        cut = {self._cut(words, choice=choice)}
        return _Carried(before.live | cut if name in _FLAT else before.live, before.dead | cut)

    def _cut(self, operation: str, *, choice: bool = False) -> Cut:
        return Cut(operation, self._stack[-1] if self._stack else "", self._ended[-1] if self._ended else "", choice)

    def _read(self, tensor: Tensor) -> _Carried:
        found: _Carried | None = self._carried.get(tensor)
        place = memory_of(tensor)
        if found is None and place in self._memory and not tensor.requires_grad:  # taken by .data, past all operations
            kept = self._memory[place][1]
            found = _Carried(kept.live, kept.dead | {self._cut(".data")})
        found = found or _Carried()
        if place in self._written:
            shown = _Region.of(tensor)
            for region, written in self._written[place][1].items():
                if not region.apart(shown):
                    found = _Carried(found.live | written.live, found.dead | written.dead)
        return found

    def _note(self, tensor: Tensor, found: _Carried) -> None:
        self._carried[tensor] = found
        place = memory_of(tensor)
        if tensor.requires_grad or found != _Carried():
            self._memory.setdefault(place, (tensor.untyped_storage(), found))
