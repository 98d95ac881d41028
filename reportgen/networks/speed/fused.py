"""A packed convolution with what follows it as one operation: a sum with a shortcut, a rectifier, and their way back.

A sum is known only when it is asked for. Until then a convolution that is to be summed is `Pending`: a tensor without
values, which is computed with the sum, or by itself as soon as anything else is asked of it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from reportgen.networks.speed.library import ORDERS, PackedConvolution
from reportgen.networks.speed.library_view import LibraryView
from reportgen.networks.speed.winograd import WinogradConvolution

FixedConvolution = PackedConvolution | WinogradConvolution

_IN_PLACE = (Tensor.add_, Tensor.__iadd__)
_SUMS = (Tensor.add, Tensor.__add__, Tensor.__radd__, torch.add, *_IN_PLACE)
_FACTS = (Tensor.shape.__get__, Tensor.dtype.__get__, Tensor.device.__get__, Tensor.ndim.__get__)  # type: ignore[attr-defined, unused-ignore]
_ASKED = frozenset((*_FACTS, Tensor.size, Tensor.dim))


class Gathered:
    """The gradient of a shortcut, on its way to the convolution that reads the same maps."""

    def __init__(self) -> None:
        self.gradient: Tensor | None = None

    @staticmethod
    def of(maps: Tensor) -> Gathered | None:
        """Return where the gradient of a shortcut that leaves at these maps is gathered, if anywhere."""
        found: Gathered | None = getattr(maps, "_gathered", None)
        return found

    @staticmethod
    def at(maps: Tensor) -> Gathered:
        """Let the gradient of a shortcut that leaves at these maps be gathered from now on."""
        found = Gathered()
        maps._gathered = found  # type: ignore[attr-defined]
        return found

    def give(self, gradient: Tensor) -> None:
        """Give a gradient away; one that was given before and never taken is of a way back that ended sooner."""
        self.gradient = gradient

    def take(self) -> Tensor | None:
        """Return the gradient that was given, which is then the taker's own."""
        found, self.gradient = self.gradient, None
        return found


@dataclass(frozen=True, eq=False)
class Rectifier:
    """A `nn.ReLU` of a copy, whose work a convolution may do; what that has rectified it returns as it is."""

    module: nn.ReLU
    parent: nn.Module
    name: str

    @staticmethod
    def of(network: nn.Module, name: str) -> Rectifier:
        """Return a copy's rectifier of some name."""
        module, (parent, _, child) = network.get_submodule(name), name.rpartition(".")
        assert isinstance(module, nn.ReLU)
        found = Rectifier(module, network.get_submodule(parent), child)
        vars(module)["forward"] = found
        return found

    @property
    def stands(self) -> bool:
        """Whether nobody listens to it, has put something else in its place or answers torch's functions."""
        module = self.module
        hooks = (module._forward_hooks, module._forward_pre_hooks, module._backward_hooks, module._backward_pre_hooks)
        own = self.parent._modules.get(self.name) is module and vars(module).get("forward") is self
        return own and not any(hooks) and not torch._C._is_torch_function_mode_enabled()

    def __call__(self, maps: Tensor) -> Tensor:
        """Return rectified maps."""
        maps = maps.computed() if isinstance(maps, Pending) else maps
        if getattr(maps, "_rectified", False):
            maps._rectified = False  # type: ignore[attr-defined]  # what is done to them from here on is not known
            return maps
        return functional.relu(maps, inplace=self.module.inplace)


@dataclass(frozen=True, eq=False)
class Call:
    """A convolution of maps of one size, how the library sees these and the answer, and who gathers a gradient."""

    packed: FixedConvolution
    inward: LibraryView
    outward: LibraryView
    gathered: Gathered | None = None

    def run(self, maps: Tensor, rectifier: Rectifier | None = None) -> Tensor:
        """Return the convolution of channels-last maps, rectified where a rectifier that stands is given."""
        rectified = rectifier is not None and rectifier.stands
        answer: Tensor = _Fused.apply(maps, None, self, None, rectified, None)  # type: ignore[no-untyped-call, unused-ignore]
        answer._rectified = rectified  # type: ignore[attr-defined]
        return answer

    def there(self, maps: Tensor, onto: Tensor | None, *, rectified: bool) -> Tensor:
        """Return the answer, added to and written over `onto`, if given."""
        onto = None if onto is None else self.outward.laid(onto)
        found = self.packed.forward(self.inward.laid(maps), onto=onto, rectified=rectified)
        return self.outward.lifted(found).data  # what autograd takes for a view could not be changed in place

    def back(self, gradient: Tensor, maps: Tensor | None) -> Tensor:
        """Return the gradient with respect to the maps; a stride asks for these."""
        laid = self.outward.laid(gradient.contiguous(memory_format=ORDERS[gradient.ndim]))
        onto = self.gathered.take() if self.gathered is not None else None
        onto = None if onto is None else self.inward.laid(onto.contiguous(memory_format=ORDERS[onto.ndim]))
        given = None if maps is None else self.inward.laid(maps)
        return self.inward.lifted(self.packed.backward(laid, given, onto=onto))


def summed(waiting: Pending, other: Tensor) -> Tensor:
    """Return the rectified sum of a convolution and of another map, or of another convolution that is pending."""
    beside, gathered = None, None
    if isinstance(other, Pending) and other.answer is None:
        given, beside = other.maps, other.call
    else:
        given = other.computed() if isinstance(other, Pending) else other
        gathered = Gathered.of(given)
    answer: Tensor = _Fused.apply(waiting.maps, given, waiting.call, beside, True, gathered)  # type: ignore[no-untyped-call, unused-ignore]
    answer._rectified = True  # type: ignore[attr-defined]
    return answer


class _Fused(torch.autograd.Function):
    """A convolution, the sum of it and of another map or convolution, and a rectifier."""

    @staticmethod
    def forward(
        ctx: Any,
        maps: Tensor,
        other: Tensor | None,
        call: Call,
        beside: Call | None,
        rectified: bool,
        gathered: Gathered | None,
    ) -> Tensor:
        onto = None
        if other is not None:
            order = ORDERS[other.ndim]
            onto = other.clone(memory_format=order) if beside is None else beside.there(other, None, rectified=False)
        answer = call.there(maps, onto, rectified=rectified)
        ctx.calls, ctx.gathered = (call, beside), gathered
        ctx.save_for_backward(
            None if call.packed.mirrors else maps,
            None if beside is None or beside.packed.mirrors else other,
            answer if rectified else None,
        )
        return answer

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, ...]:
        maps, other, answer = ctx.saved_tensors
        call, beside = ctx.calls
        if answer is not None:
            gradient = torch.ops.aten.threshold_backward(gradient, answer, 0)
        found = call.back(gradient, maps) if ctx.needs_input_grad[0] else None
        shortcut = None
        if ctx.needs_input_grad[1]:
            if beside is not None:
                shortcut = beside.back(gradient, other)
            elif ctx.gathered is not None:
                ctx.gathered.give(gradient)
            else:
                shortcut = gradient
        return found, shortcut, None, None, None, None


class Pending(Tensor):
    """A convolution that is to be summed and rectified, before the sum is known: its shape, and no values."""

    maps: Tensor
    call: Call
    rectifier: Rectifier
    answer: Tensor | None

    @staticmethod
    def of(maps: Tensor, call: Call, rectifier: Rectifier, shape: tuple[int, ...]) -> Pending:
        """Return a call that waits for its sum."""
        found = maps.detach().new_empty(()).expand(shape).as_subclass(Pending)
        found.maps, found.call, found.rectifier, found.answer = maps, call, rectifier, None
        return found

    def computed(self) -> Tensor:
        """Return the values: of the sum where it was taken in place, else of the convolution."""
        if self.answer is None:
            self.answer = self.call.run(self.maps)
        return self.answer

    @classmethod
    def __torch_function__(
        cls, func: Callable[..., Any], _types: Any, args: tuple[Any, ...] = (), kwargs: Mapping[str, Any] | None = None
    ) -> Any:
        """Answer a function of torch: sums at once, what is asked of the shape without values, all else with them."""
        if func in _ASKED:
            with torch._C.DisableTorchFunctionSubclass():
                return func(*args, **(kwargs or {}))
        if func in _SUMS and not kwargs and len(args) == 2:
            found = _sum(func, *args)
            if found is not None:
                return found
        return func(*_computed(args), **_computed(kwargs or {}))


def _sum(func: Callable[..., Any], one: Any, other: Any) -> Tensor | None:
    """Return the rectified sum of two maps of which one is pending, or None where it is to be computed by itself."""
    if not isinstance(one, Tensor) or not isinstance(other, Tensor) or one is other:
        return None
    if one.shape != other.shape or one.dtype != other.dtype:
        return None
    waiting = [side for side in (one, other) if isinstance(side, Pending) and side.answer is None]
    if not waiting or (func in _IN_PLACE and waiting[0] is not one):
        return None
    first = waiting[0]
    if not first.rectifier.stands:
        return None
    answer = summed(first, other if first is one else one)
    if func in _IN_PLACE:
        first.answer = answer  # whoever keeps what was added to has the sum from now on
    return answer


def _computed(tree: Any) -> Any:
    if isinstance(tree, Pending):
        return tree.computed()
    if isinstance(tree, tuple | list):
        return type(tree)(_computed(one) for one in tree)
    if isinstance(tree, Mapping):
        return {name: _computed(one) for name, one in tree.items()}
    return tree
