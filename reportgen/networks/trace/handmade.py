"""Rectifiers that a network puts together itself, as z + relu(-z) or (z + |z|) / 2, told by their values.

No list holds all spellings, so the results of element-wise arithmetic are held against what they were computed from:
one that is, up to a positive factor, the positive part of a tensor with both signs is a rectifier of that tensor.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from torch.utils.weak import WeakIdKeyDictionary

_BACK = 8
"""How many tensors a result is held against at most."""

_CLOSE = 1e-5
"""How far from the positive part a result may be, as a share of its largest value."""

_SUMS = {"add", "sub", "subtract", "rsub", "radd", "mul", "multiply", "rmul", "addcmul", "addcdiv", "lerp"}
_RATIOS = {"div", "divide", "truediv", "true_divide", "rtruediv", "square", "pow", "sqrt", "neg", "negative"}
_COPIES = {"clone", "float", "double", "to", "type_as"}

BY_SIGN = frozenset(
    {"abs", "absolute", "sign", "sgn", "heaviside", "minimum", "min", "fmin", "fmax", "masked_fill"}
    | {"leaky_relu", "elu", "celu", "prelu"}
)
"""Names of functions that rectifiers are made of, beside those that are known for rectifiers themselves."""

ARITHMETIC = BY_SIGN | _SUMS | _RATIOS | _COPIES | {"where", "maximum", "max", "threshold", "clamp", "clip"}
"""The names of functions whose results are looked at, without underscores."""

_OVERWRITING = frozenset({"__setitem__", "copy_", *(f"__i{name}__" for name in ("add", "sub", "mul", "truediv"))})


def overwrites(func: Any, named: Mapping[str, Any]) -> bool:
    """Whether a function overwrites its first argument with what may be a rectifier of it."""
    name = function_name(func)
    in_place = name.endswith("_") and not name.endswith("__")
    return name in _OVERWRITING or ((in_place or named.get("inplace") is True) and plain_name(func) in ARITHMETIC)


def function_name(func: Any) -> str:
    """Return the name of a function of torch, of a method, or of an operation."""
    packet = getattr(func, "overloadpacket", func)
    return str(getattr(packet, "__name__", ""))


def plain_name(func: Any) -> str:
    """Return the name of a function of torch without underscores before and behind it."""
    return function_name(func).strip("_")


@dataclass(frozen=True, eq=False)
class Rectified:
    """A result that is `scale` times the positive part of a tensor: number `place` of those that it comes from."""

    place: int
    scale: float


class Origins:
    """Remembers of the tensors of a pass which ones of their shape they were computed from, the nearest first."""

    def __init__(self) -> None:
        self._known = WeakIdKeyDictionary()

    def of(self, tensors: Iterable[Any], shape: torch.Size) -> list[Tensor]:
        """Return these tensors of a shape, and those that they come from."""
        found: list[Tensor] = []
        for one in tensors:
            if isinstance(one, Tensor) and one.shape == shape and one.is_floating_point():
                found += [other for other in (one, *self._known.get(one, ())) if all(other is not own for own in found)]
        return found[:_BACK]

    def note(self, result: Tensor, origins: list[Tensor]) -> None:
        """Remember what a result comes from; nothing where it is a rectifier's, which hides what lies before."""
        self._known[result] = [one for one in origins if one is not result]


def rectified(result: Tensor, origins: list[Tensor]) -> Rectified | None:
    """Return which of the tensors a result is the positive part of, up to a factor; None where it is of none."""
    if not origins or not result.is_floating_point() or not result.numel() or result.is_meta:
        return None
    result = result.detach()
    least, most = (float(one) for one in torch.aminmax(result))
    if not (most > 0 and abs(least) <= _CLOSE * most):
        return None
    for place, origin in enumerate(origins):
        given = origin.detach()
        if not float(given.min()) < 0 < float(given.max()):
            continue
        positive = given.clamp(min=0)
        scale = most / float(positive.max())
        if float((result - scale * positive).abs().max()) <= _CLOSE * most:
            return Rectified(place, 1.0 if abs(scale - 1) < _CLOSE else scale)
    return None
