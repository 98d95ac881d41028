"""The spellings of ReLU, capped ones too: functions, methods, clamps, maxima with zero, choices and masks by sign."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812 (torch's own convention)

from reportgen.networks.core.observing import Observer, named_arguments, tensors_of
from reportgen.networks.trace.handmade import Origins, grows_with, overwrites, rectified


class Replacement(NamedTuple):
    """What answers one call: the module, and whether the call overwrites its input.

    `given` is what the module is given, where that is not the call's first argument, `beside` what it is given behind
    that; `scale` multiplies what it returns.
    """

    module: nn.Module
    in_place: bool = False
    given: Tensor | None = None
    scale: float = 1.0
    beside: tuple[Tensor, ...] = ()


Builder = Callable[..., Replacement | None]
"""Returns what answers a call with these arguments; None where the call is to run as it is."""


class CappedReLU(nn.ReLU):
    """A ReLU up to a ceiling: captum takes it for what it inherits from."""

    def __init__(self, ceiling: float) -> None:
        super().__init__()
        self.ceiling = ceiling

    def forward(self, input: Tensor) -> Tensor:
        """Return the input between 0 and the ceiling."""
        return input.clamp(0, self.ceiling)


def _relu(_input: Tensor, inplace: bool = False) -> Replacement:
    return Replacement(nn.ReLU(), inplace)


def _relu_in_place(_input: Tensor) -> Replacement:
    return Replacement(nn.ReLU(), in_place=True)


def _relu6(_input: Tensor, inplace: bool = False) -> Replacement:
    return Replacement(CappedReLU(6.0), inplace)


def _hardtanh(_input: Tensor, min_val: float = -1.0, max_val: float = 1.0, inplace: bool = False) -> Replacement | None:
    return Replacement(CappedReLU(max_val), inplace) if min_val == 0 else None


def _threshold(_input: Tensor, threshold: float, value: float, inplace: bool = False) -> Replacement | None:
    return Replacement(nn.ReLU(), inplace) if threshold == value == 0 else None


def _threshold_in_place(_input: Tensor, threshold: float, value: float) -> Replacement | None:
    return _threshold(_input, threshold, value, inplace=True)


def _clamped(in_place: bool) -> Builder:
    def build(_input: Tensor, min: Any = None, max: Any = None) -> Replacement | None:
        if isinstance(max, Tensor) or not _zero(min):
            return None
        return Replacement(nn.ReLU() if max is None else CappedReLU(float(max)), in_place)

    return build


def _maximum(first: Tensor, other: Any = None, *_more: Any, **_named_more: Any) -> Replacement | None:
    if isinstance(first, Tensor) and isinstance(other, Tensor):
        for given, zero in ((first, other), (other, first)):
            if _zero(zero) and torch.broadcast_shapes(given.shape, zero.shape) == given.shape:
                return Replacement(nn.ReLU(), given=given)
    return None


def _where(condition: Tensor, input: Any = None, other: Any = None) -> Replacement | None:
    if isinstance(input, Tensor) and _zero(other) and _by_sign(condition, input):
        return Replacement(nn.ReLU(), given=input)
    if isinstance(other, Tensor) and _zero(input) and _by_sign(~condition, other):
        return Replacement(nn.ReLU(), given=other)
    return None


def _where_method(input: Tensor, condition: Tensor, other: Any) -> Replacement | None:
    return _where(condition, input, other)


def _masked(first: Any, other: Any) -> Replacement | None:
    for given, mask in ((first, other), (other, first)):
        if isinstance(given, Tensor) and isinstance(mask, Tensor) and _by_sign(mask, given):
            return Replacement(nn.ReLU(), given=given)
    return None


def _zero(value: Any) -> bool:
    """Whether a number or a tensor is zero."""
    return value is not None and not (bool(value.any()) if isinstance(value, Tensor) else value)


def _by_sign(mask: Tensor, values: Tensor) -> bool:
    """Whether a mask is 1 exactly where values are positive; where they are 0 it may be either.

    Values of one sign, or all 0 as a recurrent network's first state, show nothing of a mask of numbers, which may be
    any factor.
    """
    if mask.shape != values.shape or not values.is_floating_point():
        return False
    if mask.dtype != torch.bool and not (bool((values > 0).any()) and bool((values < 0).any())):
        return False
    wrong = torch.where(values > 0, mask != 1, (values < 0) & (mask != 0))
    return not bool(wrong.any())


RECTIFIERS: Mapping[Any, Builder] = {
    **dict.fromkeys((F.relu, torch.relu, Tensor.relu), _relu),
    **dict.fromkeys((torch.relu_, Tensor.relu_), _relu_in_place),  # `F.relu_` is `torch.relu_`
    F.relu6: _relu6,
    **dict.fromkeys((F.hardtanh, F.hardtanh_), _hardtanh),
    **dict.fromkeys((F.threshold, torch.threshold), _threshold),
    torch.threshold_: _threshold_in_place,  # `F.threshold_` is this
    **dict.fromkeys((torch.clamp, Tensor.clamp, torch.clip, Tensor.clip), _clamped(in_place=False)),
    **dict.fromkeys((torch.clamp_min, Tensor.clamp_min), _clamped(in_place=False)),
    **dict.fromkeys((torch.clamp_, Tensor.clamp_, torch.clip_, Tensor.clip_), _clamped(in_place=True)),
    **dict.fromkeys((torch.clamp_min_, Tensor.clamp_min_), _clamped(in_place=True)),
    **dict.fromkeys((torch.maximum, Tensor.maximum, torch.max, Tensor.max), _maximum),
    torch.where: _where,
    Tensor.where: _where_method,
    **dict.fromkeys((torch.mul, Tensor.mul, torch.multiply, Tensor.multiply, Tensor.__mul__, Tensor.__rmul__), _masked),
}


def operation_builder(func: Any) -> Builder | None:
    """Return what answers an operation as exported programs call it, by the arguments of its schema in order."""
    if not isinstance(func, torch._ops.OpOverload):
        return None
    name = func.overloadpacket.__name__
    return _IN_PLACE_OPERATIONS.get(name) or _OPERATIONS.get(name)


OTHER_RECTIFIERS = frozenset(
    {"leaky_relu", "prelu", "rrelu", "elu", "selu", "celu", "silu", "gelu", "hardswish", "mish", "softplus"}
)
"""Rectifiers that pass a part of what is negative, for which guided backprop has no rule."""

WRITTEN_OUT = "that the network writes out itself"
"""What such rectifiers count as that are called by no name of torch's."""

_NAMED_OTHERWISE = {"_prelu_kernel": "prelu", "rrelu_with_noise": "rrelu"}


class RectifierCount(Observer):
    """Counts the rectifying operations that run, however they were called; `count` is their number.

    They are told by their names, or by their values where a network puts them together itself. Whoever answers for an
    operation sets the number back. `others` counts, by their names, rectifiers that are no ReLU, while `calls` of
    functions that are seen from Python, and counted there, is 0: what is left are those of scripted functions and of
    transforms.
    """

    def __init__(self) -> None:
        super().__init__()
        self.count = 0
        self.calls = 0
        self.others: Counter[str] = Counter()
        self._origins = Origins()
        self._before_others = Origins()

    def __torch_dispatch__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        """Run the operation, and count it if it rectifies.

        What watches calls from Python is kept from taking the operation of a scripted function for one.
        """
        with torch._C.DisableTorchFunction():
            return self._counted(func, args, kwargs or {})

    def _counted(self, func: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        builder = _OPERATIONS.get(func.overloadpacket.__name__.removesuffix("_"))
        if builder is not None and builder(*named_arguments(func, args, kwargs).values()) is not None:
            self.count += 1
            return func(*args, **kwargs)
        given = [*args, *kwargs.values()]
        if overwrites(func, kwargs) and isinstance(args[0], Tensor):
            given = [args[0].clone(), *given]
        found = func(*args, **kwargs)
        for result in tensors_of([found]):
            if result.is_floating_point():
                if rectified(result, self._origins.of(given, result.shape)) is None:
                    self._origins.note(result, given)
                    self._note_other(func, result, given)
                else:
                    self.count += 1
        return found

    def _note_other(self, func: Any, result: Tensor, given: Iterable[Any]) -> None:
        if self.calls:
            return
        name = func.overloadpacket.__name__
        name = _NAMED_OTHERWISE.get(name, name.removesuffix("_"))
        if name in OTHER_RECTIFIERS:
            self.others[name] += 1
        elif grows_with(result, self._before_others.of(given, result.shape)):
            self.others[WRITTEN_OUT] += 1
        else:
            self._before_others.note(result, given)


_OPERATIONS: Mapping[str, Builder] = {
    "relu": _relu,
    "hardtanh": _hardtanh,
    "threshold": _threshold,
    **dict.fromkeys(("clamp", "clamp_min"), _clamped(in_place=False)),
    "maximum": _maximum,
    "where": _where,
    "mul": _masked,
}

_IN_PLACE_OPERATIONS: Mapping[str, Builder] = {
    "relu_": _relu_in_place,
    **dict.fromkeys(("clamp_", "clamp_min_"), _clamped(in_place=True)),
}
