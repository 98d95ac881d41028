"""DeepLift's rules for vectors over their lengths, and for maxima that come with their places."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F  # noqa: N812 (torch's own convention)

from reportgen.analyses.saliency.rescale_paths import AlongLine
from reportgen.analyses.saliency.rescale_rules import (
    MeanSquares,
    Pointwise,
    Product,
    Quotient,
    Ruled,
    Tensors,
    along,
    ruled,
)


class OverLength(Ruled):
    """Vectors along an axis over their lengths, which are at least `eps`: a quotient, by the rules of its parts.

    At a baseline of no length at all the line to the clip says nothing: the whole gain lies in its first step.
    """

    def __init__(self, axis: int, eps: float) -> None:
        super().__init__()
        self.axis, self.eps = axis, eps

    def forward(self, given: Tensor) -> Tensor:
        """Return vectors of length 1."""
        return F.normalize(given, dim=self.axis, eps=self.eps)

    def sloped(self, given: Tensors, before: Tensors) -> Tensor:
        """Return the rules of squares, of a root and of a quotient behind each other."""
        length = MeanSquares([self.axis], torch.sqrt, given[0].shape[self.axis], centred=False, keepdim=True)
        least = Pointwise(lambda values: values.clamp(min=self.eps))
        own, old = ruled(length, given, before), length(before[0])
        return Quotient().sloped((given[0], ruled(least, [own], [old])), (before[0], least(old)))


class Cosine(Ruled):
    """The cosine of two vectors along an axis."""

    def __init__(self, axis: int, eps: float) -> None:
        super().__init__()
        self.axis, self.eps = axis, eps

    def forward(self, first: Tensor, second: Tensor) -> Tensor:
        """Return the cosines."""
        return F.cosine_similarity(first, second, dim=self.axis, eps=self.eps)

    def sloped(self, given: Tensors, before: Tensors) -> Tensor:
        """Return the rules of both vectors over their lengths, and of their product."""
        unit = OverLength(self.axis, self.eps)
        now = [ruled(unit, [one], [old]) for one, old in zip(given, before, strict=True)]
        product = Product(lambda first, second: (first * second).sum(self.axis))
        return product.sloped(now, [unit(old) for old in before])


class LargestAndPlaces(AlongLine):
    """The largest along an axis, as `max` returns it with the places."""

    def __init__(self, axis: int, keepdim: bool) -> None:
        super().__init__(lambda values: values.max(axis, keepdim=keepdim))
        self.axis, self.keepdim = axis, keepdim

    def sloped(self, given: Tensors, before: Tensors) -> Any:
        """Return the rule of maxima, with the clip's own places beside it."""
        found = self.function(given[0].detach())
        values = ruled(along([self.axis], self.keepdim, given[0].ndim), given, before, found.values)
        return type(found)((values, found.indices))
