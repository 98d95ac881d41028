"""Rectifiers that a network puts together itself, as z + relu(-z) or (z + |z|) / 2, told by their values.

No list holds all spellings, so the result of each call is held against the tensors of its shape that it was computed
from: one that is, up to a positive factor, the positive part of a tensor with both signs is a rectifier of that tensor.
One that is a tensor times a share which grows with its values, as z * sigmoid(z) or z * relu6(z + 3) / 6, passes a part
of what is negative.
"""

from __future__ import annotations

import weakref
from collections import deque
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils.weak import WeakIdKeyDictionary

from reportgen.networks.core.observing import tensors_of

_BACK = 8
"""How many tensors a result is held against at most."""

_REMEMBERED = 16
"""Of how many results, the last ones, it is known what they come from: rectifiers are put together in a few steps."""

_CLOSE = 1e-5
"""How far from the positive part a result may be, as a share of its largest value."""

_FEWEST = 4
"""So many values at least are positive: of fewer some other function may happen to be in proportion to them."""

_SAMPLED = 4096
"""At so many values is a share that grows looked for."""

_HELD_BACK = 0.45
"""Of the largest share: less than that passes of the most negative values, and no less of any positive one."""

_OVERWRITING = frozenset({"__setitem__", *(f"__i{name}__" for name in ("add", "sub", "mul", "truediv", "and", "or"))})


def overwrites(func: Any, named: Mapping[str, Any]) -> bool:
    """Whether a function overwrites its first argument."""
    name = function_name(func)
    in_place = name.endswith("_") and not name.endswith("__")
    return name in _OVERWRITING or in_place or named.get("inplace") is True


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
    """Remembers of the last tensors of a pass which ones they were computed from, the nearest first."""

    def __init__(self) -> None:
        self._known = WeakIdKeyDictionary()
        self._last: deque[weakref.ref[Tensor]] = deque()

    def of(self, arguments: Iterable[Any], shape: torch.Size) -> list[Tensor]:
        """Return the tensors of a shape among the arguments of a call, and among those that they come from."""
        return [one for one in self._all(arguments) if one.shape == shape and _is_plain(one)][:_BACK]

    def note(self, result: Tensor, arguments: Iterable[Any]) -> None:
        """Remember what the result of a call comes from. What a rectifier returns is not to be noted: it hides that."""
        self._known[result] = [one for one in self._all(arguments) if one is not result][:_REMEMBERED]
        self._last.append(weakref.ref(result))
        while len(self._last) > _REMEMBERED:
            oldest = self._last.popleft()()
            if oldest is not None:
                self._known.pop(oldest, None)

    def _all(self, arguments: Iterable[Any]) -> list[Tensor]:
        found: list[Tensor] = []
        for one in tensors_of(arguments):
            if one.is_floating_point() and not isinstance(one, nn.Parameter):
                found += [other for other in (one, *self._known.get(one, ())) if all(other is not own for own in found)]
        return found


def rectified(result: Tensor, origins: list[Tensor]) -> Rectified | None:
    """Return which of the tensors a result is the positive part of, up to a factor; None where it is of none."""
    if not origins or not result.is_floating_point() or not result.numel() or not _is_plain(result):
        return None
    result = result.detach()
    least, most = _limits(result)
    if not (most > 0 and abs(least) <= _CLOSE * most):
        return None
    for place, origin in enumerate(origins):
        given = origin.detach()
        least_given, most_given = _limits(given)
        if not least_given < 0 < most_given:
            continue
        positive = given.clamp(min=0)
        if int(positive.count_nonzero()) < _FEWEST:
            continue
        scale = most / float(positive.max())
        if float((result - scale * positive).abs().max()) <= _CLOSE * most:
            return Rectified(place, 1.0 if abs(scale - 1) < _CLOSE else scale)
    return None


def grows_with(result: Tensor, origins: list[Tensor]) -> bool:
    """Return whether a result is one of the tensors times a share that grows with that tensor's values.

    The share is at least 0, of the most negative values much less than of the most positive ones, and about as large of
    all positive ones: SiLU, GELU, ELU, hard swish and leaky ReLU are of this kind, whatever they are written as.
    """
    if not origins or not result.is_floating_point() or not result.numel() or not _is_plain(result):
        return False
    shown = _sample(result.detach())
    return any(_grows(shown, _sample(origin.detach())) for origin in origins)


def _is_plain(values: Tensor) -> bool:
    """Whether a tensor has values, one behind the other: sparse ones have no use for most of what is asked here."""
    return values.layout == torch.strided and not values.is_meta


def _limits(values: Tensor) -> tuple[float, float]:
    """Return the least and the largest value, read in the order of memory: in another one it takes several times."""
    order = sorted(range(values.ndim), key=values.stride, reverse=True)
    least, most = torch.aminmax(values.permute(order))
    return float(least), float(most)


def _sample(values: Tensor) -> Tensor:
    """Return some values, the same places of all tensors of a shape; a tensor is not copied to put them in a row."""
    step = max(1, values.numel() // _SAMPLED)
    if values.is_contiguous():
        return values.view(-1)[::step]
    places = torch.arange(0, values.numel(), step, device=values.device)
    return values[torch.unravel_index(places, values.shape)]


def _grows(result: Tensor, given: Tensor) -> bool:
    values, order = given.double().sort()
    largest = float(values.abs().max())
    told = values.abs() > _CLOSE * largest  # of nearly nothing a share cannot be told
    shares = (result.double()[order] / values)[told]
    below, above = int((values[told] < 0).sum()), int((values[told] > 0).sum())
    if min(below, above) < 2 * _FEWEST or not bool(shares.isfinite().all()):
        return False
    most = float(shares[-1])
    held = _HELD_BACK * most
    slack = _CLOSE * most * largest / values[told].abs()  # rounding, which small values make large
    falls = shares.diff() < -(slack[1:] + slack[:-1])
    grows = float((shares + slack).min()) >= 0 and not bool(falls.any())
    return grows and float(shares[0]) < held <= float(shares[below])
