"""Sums of kernels and others' maps, as skip connections make them: whose sign a kernel has in what it is a term of.

What else is added depends on the clip, so that nothing but the sign can be told: that of the kernel's own term, and of
what a convolution of the same kernels gives back to the kernel's own channel beside it (`x - conv(x)`).
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.utils.weak import WeakIdKeyDictionary

from reportgen.networks.kernels.reader_contexts import Positives
from reportgen.networks.kernels.reader_operations import kernel_axes
from reportgen.networks.kernels.reader_steps import KernelReaders
from reportgen.networks.trace.call import TracedCall
from reportgen.networks.trace.kernels import KernelUse
from reportgen.networks.trace.labels import NONE, Labels
from reportgen.networks.trace.views import View

OwnTaps = tuple[Tensor, Tensor]
"""What a channel makes of itself, `C` each: by its largest tap, and by the sum of its taps."""


@dataclass(frozen=True, eq=False)
class OwnPart:
    """What a tensor has of the kernels `source` in channels of their own, beside others' values.

    Channels lie along `axis`, and `taps` are computed when they are asked for. `key` tells parts apart.
    """

    source: Labels
    axis: int
    taps: Callable[[], OwnTaps]
    key: Hashable

    def scaled(self, gains: Callable[[], tuple[Tensor, Tensor]], key: Hashable) -> OwnPart:
        """Return what is left of the kernels behind gains of the channels, `C`, whatever is added there."""

        def taps() -> OwnTaps:
            by = gains()[0]
            largest, total = self.taps()
            return largest.to(by) * by, total.to(by) * by

        return OwnPart(self.source, self.axis, taps, (self.key, key))


class OwnParts:
    """Remembers which tensors of a pass have something of kernels in channels of their own."""

    def __init__(self) -> None:
        self._known = WeakIdKeyDictionary()

    def of(self, tensor: Any) -> OwnPart | None:
        """Return what a tensor has of kernels, if that is known."""
        found: OwnPart | None = self._known.get(tensor) if isinstance(tensor, Tensor) else None
        return found

    def note(self, outputs: Sequence[Tensor], part: OwnPart | None) -> None:
        """Say what the first output of an operation has of kernels: nothing that is known where it is None."""
        for output in outputs:
            self._known.pop(output, None)
        if part is not None:
            self._known[outputs[0]] = part

    def view(self, call: TracedCall[Any], views: Sequence[View]) -> None:
        """Say what views of a tensor have of kernels, where all channels are along one axis still."""
        base = next(value for value in call.arguments.values() if isinstance(value, Tensor))
        part = self.of(base)
        for output, view in zip(call.outputs, views, strict=True):
            moved = part is not None and part.source.shape == tuple(base.shape)
            source = view.read(part.source) if part is not None and moved else None
            axes = [] if source is None else kernel_axes(source)
            if part is None or source is None or len(axes) != 1:
                self.note([output], None)
            elif source.shape[axes[0]] == part.source.shape[part.axis]:
                self.note([output], replace(part, source=source, axis=axes[0]))


def own_taps(use: KernelUse, weight: Tensor) -> OwnTaps:
    """Return what each kernel of a layer of as many channels makes of the channel of its own number."""
    every = torch.arange(use.size)
    square = weight.diagonal(dim1=-2, dim2=-1) if use.kind == "linear" else None
    taps = weight[every, every % weight.shape[1]].flatten(1) if square is None else square.reshape(-1, use.size)[:1].T
    largest = taps.gather(1, taps.abs().argmax(1, keepdim=True))[:, 0]
    return largest, taps.sum(1)


def pool_part(pooled: Labels) -> OwnPart | None:
    """Return what the kernels that were pooled have of themselves: by all places as much as they, by one little."""
    axes = kernel_axes(pooled)
    if len(axes) != 1:
        return None
    every = torch.ones(pooled.shape[axes[0]], dtype=torch.float64)
    return OwnPart(pooled, axes[0], lambda: (torch.zeros_like(every), every), "pooled")


def terms(call: TracedCall[Any], positives: Positives) -> Mapping[str, float]:
    """Return the arguments of an operation that it passes on, each with its sign: of a sum both, of a gate the gated.

    Both are of the shape that it returns. Empty for another operation.
    """
    found = {name: call.arguments.get(name) for name in ("self", "other")}
    pair = {name: one for name, one in found.items() if isinstance(one, Tensor) and tuple(one.shape) == call.shape}
    if len(pair) < 2:
        return {}
    alpha = call.arguments.get("alpha", 1)
    sign = 1.0 if not isinstance(alpha, int | float) or alpha > 0 else -1.0
    if call.name == "mul":
        return {name: 1.0 for name, other in (("self", "other"), ("other", "self")) if pair[other] in positives}
    known: Mapping[str, Mapping[str, float]] = {
        "add": {"self": 1.0, "other": sign},
        "sub": {"self": 1.0, "other": -sign},
        "rsub": {"self": -sign, "other": 1.0},
        "div": {"self": 1.0} if pair["other"] in positives else {},
    }
    return known.get(call.name, {})


def numbers_along(known: Labels, axis: int) -> list[int] | None:
    """Return the number of the one kernel in each channel along an axis; None where there are several, or none."""
    channels = np.moveaxis(known.expanded([axis]), axis + 1, 0)
    found = [np.unique(own[own != NONE]).tolist() for own in channels]
    return [own[0] for own in found] if all(len(own) == 1 for own in found) else None


def signs(own: Tensor, sign: float, taps: OwnTaps, other: float) -> Tensor:
    """Return the sign with which a sum passes on kernels `C`, given their gains so far and what else has them.

    Not a number where the largest tap and all taps together say different things.
    """
    largest, total = (torch.sign((sign * own + other * one.to(own)) / own) for one in taps)
    both = torch.sign(largest + total)
    return torch.where((largest * total >= 0) & (both != 0), both, torch.nan)


def sum_signs(
    readers: KernelReaders, given: tuple[Labels, int], sign: float, beside: OwnPart | None, other: float
) -> Callable[[], tuple[Tensor, Tensor]]:
    """Return what computes the signs, and no offsets, that a sum gives to the kernels of a term.

    The term is `given` by its kernels and their axis; `beside` is what another term has of kernels. Where that is not
    known the term's own sign counts.
    """
    known, axis = given
    even = torch.full((known.shape[axis],), sign, dtype=torch.float64)
    own = numbers_along(known, axis)
    old = None if beside is None or beside.axis != axis else numbers_along(beside.source, axis)
    same = own is not None and old is not None and len(own) == len(old)
    if not same or [readers.first(one) for one in own or ()] != [readers.first(one) for one in old or ()]:
        return lambda: (even, torch.zeros_like(even))

    def values() -> tuple[Tensor, Tensor]:
        assert own is not None
        assert old is not None
        assert beside is not None
        gains, before = (torch.stack([readers.gain(one) for one in numbers]) for numbers in (own, old))
        if any(one.device.type == "meta" for one in (gains, before, *beside.taps())):
            return even.to("meta"), even.to("meta")
        largest, total = (one * before for one in beside.taps())
        return signs(gains, sign, (largest, total), other), torch.zeros_like(even)

    return values
