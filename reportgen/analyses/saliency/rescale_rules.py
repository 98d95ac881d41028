"""DeepLift's rules: a call as a linear function of what it is given, whose slopes take it from a baseline's result.

Slopes depend on both points, the clip's and the baseline's, and the gain of a call is the sum of slopes times gains of
what it is given: so contributions sum to the gain of the logit, whatever lies between.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812 (torch's own convention)

_TOO_NEAR = 1e-4
"""Differences of so small a share of two numbers say less of a slope than the slope there."""

Tensors = Sequence[Tensor]


class Ruled(nn.Module):
    """A call of several tensors that has a rule."""

    @abstractmethod
    def sloped(self, given: Tensors, before: Tensors) -> Tensor:
        """Return a function of what is `given` that is linear in it, with slopes towards the baseline's `before`."""


def ruled(call: nn.Module, given: Tensors, before: Tensors, value: Tensor | None = None) -> Tensor:
    """Return what a call returns (its `value`, if that is known), as a linear function of what it is `given`."""
    if isinstance(call, Ruled):
        found = call.sloped(given, before)
    elif type(call) is nn.ReLU:
        found = given[0] * _slope_of_relu(given[0].detach(), before[0])
    else:
        found = given[0] * _slope(call.forward, given[0].detach(), before[0])
    if value is None:
        with torch.no_grad():
            value = call.forward(*(one.detach() for one in given))
    return value.detach() + (found - found.detach())  # nothing is added but what has a gradient


def _slope_of_relu(given: Tensor, before: Tensor) -> Tensor:
    """Return the slope of a ReLU between two points: of one that is neither 0 nor 1 nothing is lost to rounding."""
    step = given - before
    rise = (given.relu() - before.relu()).div_(step)
    return torch.where(step == 0, (given > 0).to(step), rise)


def _slope(function: Callable[..., Tensor], given: Tensor, before: Tensor) -> Tensor:
    """Return the slope between two points of an element-wise function; where they are as good as one, that there."""
    with torch.enable_grad():
        point = given.clone().requires_grad_()
        (there,) = torch.autograd.grad(function(point).sum(), point)
    with torch.no_grad():
        step = given - before
        near = step.abs() <= _TOO_NEAR * (given.abs() + before.abs())
        found = torch.where(near, there, (function(given) - function(before)) / torch.where(near, 1.0, step))
        return torch.where(torch.isfinite(found), found, 0.0)


class Pointwise(Ruled):
    """An element-wise function of one tensor, by the rescale rule."""

    def __init__(self, function: Callable[[Tensor], Tensor]) -> None:
        super().__init__()
        self.function = function

    def forward(self, given: Tensor) -> Tensor:
        """Return the function's values."""
        return self.function(given)

    def sloped(self, given: Tensors, before: Tensors) -> Tensor:
        """Return values times slopes."""
        return given[0] * _slope(self.function, given[0].detach(), before[0])


class Product(Ruled):
    """A function of two tensors that is linear in each: its gain is shared out between them by their means."""

    def __init__(self, function: Callable[[Tensor, Tensor], Tensor]) -> None:
        super().__init__()
        self.function = function

    def forward(self, first: Tensor, second: Tensor) -> Tensor:
        """Return the product."""
        return self.function(first, second)

    def sloped(self, given: Tensors, before: Tensors) -> Tensor:
        """Return each factor times the mean of the other: a1 b1 - a0 b0 = (a1 - a0) b + (b1 - b0) a."""
        first, second = ((now.detach() + old) / 2 for now, old in zip(given, before, strict=True))
        return self.function(given[0], second) + self.function(first, given[1])


class Quotient(Ruled):
    """A quotient: a product with a reciprocal."""

    def forward(self, first: Tensor, second: Tensor) -> Tensor:
        """Return the quotient."""
        return first / second

    def sloped(self, given: Tensors, before: Tensors) -> Tensor:
        """Return the product's rule for a reciprocal by its own.

        Nothing over next to nothing, as of a vector without a length, is nothing over whatever the other one has.
        """
        (first, divisor), (old, under) = given, before
        now = divisor.detach()
        empty = (old == 0) & (under.abs() <= _TOO_NEAR * now.abs())
        emptied = (first.detach() == 0) & (now.abs() <= _TOO_NEAR * under.abs())
        under = torch.where(empty, now, under)
        divisor = torch.where(emptied, under, divisor)
        factor = ruled(Pointwise(torch.reciprocal), [divisor], [under])
        factor = torch.where(empty | emptied, factor.detach(), factor)
        return Product(torch.mul).sloped((first, factor), (old, under.reciprocal()))


class Larger(Ruled):
    """The larger one of two tensors' elements: the second, and what the first has above it."""

    def forward(self, first: Tensor, second: Tensor) -> Tensor:
        """Return the larger ones."""
        return torch.maximum(first, second)

    def sloped(self, given: Tensors, before: Tensors) -> Tensor:
        """Return the rule of a ReLU for what the first has above the second."""
        above, first = given[0] - given[1], before[0] - before[1]
        return given[1] + above * _slope_of_relu(above.detach(), first)


class MeanSquares(Ruled):
    """Means of squares over axes, above the means or not, times `scale`, and a function of them: how far values lie."""

    def __init__(
        self, axes: Sequence[int], function: Callable[[Tensor], Tensor], scale: float, *, centred: bool, keepdim: bool
    ) -> None:
        super().__init__()
        self.axes, self.function, self.scale = list(axes), function, scale
        self.centred, self.keepdim = centred, keepdim

    def forward(self, given: Tensor) -> Tensor:
        """Return the function of the mean squares."""
        return self.function(self._squares(given, given))

    def _squares(self, first: Tensor, second: Tensor) -> Tensor:
        if self.centred:
            first, second = (one - one.mean(self.axes, keepdim=True) for one in (first, second))
        return self.scale * (first * second).mean(self.axes, keepdim=self.keepdim)

    def sloped(self, given: Tensors, before: Tensors) -> Tensor:
        """Return the rules of squares, as products, and of a function of their mean."""
        own, old = (self._squares(one, one) for one in (given[0].detach(), before[0]))
        squares = self._squares(given[0], given[0].detach() + before[0])
        return squares * _slope(self.function, own, old)


class Softmax(Ruled):
    """A softmax along an axis, as exponentials times the reciprocal of their sum."""

    def __init__(self, axis: int) -> None:
        super().__init__()
        self.axis = axis

    def forward(self, given: Tensor) -> Tensor:
        """Return the shares."""
        return given.softmax(self.axis)

    def sloped(self, given: Tensors, before: Tensors) -> Tensor:
        """Return the rules of exponentials, of a sum, of its reciprocal and of a product behind each other."""
        (now,), (old,) = given, before
        ceiling = torch.maximum(now.detach(), old).amax(self.axis, keepdim=True)
        raised, first = ruled(Pointwise(torch.exp), [now - ceiling], [old - ceiling]), (old - ceiling).exp()
        total = raised.sum(self.axis, keepdim=True), first.sum(self.axis, keepdim=True)
        return Quotient().sloped((raised, total[0]), (first, total[1]))


class Attention(Ruled):
    """Scaled dot product attention `(q, k, v)` with a constant mask that is added to the scores, if there is one."""

    def __init__(self, mask: Tensor | None, scale: float) -> None:
        super().__init__()
        self.mask, self.scale = mask, scale

    def forward(self, query: Tensor, key: Tensor, value: Tensor) -> Tensor:
        """Return what the queries find."""
        return self._masked(self._scores(query, key)).softmax(-1) @ value

    def _scores(self, query: Tensor, key: Tensor) -> Tensor:
        return self.scale * (query @ key.mT)

    def _masked(self, scores: Tensor) -> Tensor:
        return scores if self.mask is None else scores + self.mask

    def sloped(self, given: Tensors, before: Tensors) -> Tensor:
        """Return the rules of two products and of the softmax between them."""
        scores = self._masked(ruled(Product(self._scores), given[:2], before[:2]))
        first = self._masked(self._scores(*before[:2]))
        shares = ruled(Softmax(-1), [scores], [first])
        return Product(torch.matmul).sloped((shares, given[2]), (first.softmax(-1), before[2]))


class OwnStatistics(Ruled):
    """A norm by the statistics of what it is given: values seen as of `shape`, over the axes `over` of it.

    `affine` are the weight and the bias behind it, each of a shape that fits the values' own; `centred` ones are taken
    above their mean.
    """

    def __init__(
        self,
        shape: Sequence[int],
        over: Sequence[int],
        affine: tuple[Tensor | None, Tensor | None],
        eps: float,
        centred: bool = True,
    ) -> None:
        super().__init__()
        self.shape, self.over, self.affine, self.eps, self.centred = tuple(shape), list(over), affine, eps, centred

    def forward(self, given: Tensor) -> Tensor:
        """Return the norm."""
        above = self._above(given)
        return self._scaled(above * self._variance(above).rsqrt(), given)

    def sloped(self, given: Tensors, before: Tensors) -> Tensor:
        """Return the norm as a sum: of values above their mean times a mean factor, and of that factor's own change.

        The product c r of both gains (c1 - c0) (r1 + r0) / 2 + (c1 + c0) / 2 (r1 - r0), and r is a function of the
        variance alone, which gains the mean of (c1 + c0) (c1 - c0).
        """
        above, own, old = self._above(given[0]), self._above(given[0].detach()), self._above(before[0])
        factor, first = self._variance(own).rsqrt(), self._variance(old).rsqrt()
        # (r1 - r0) / (v1 - v0) without a difference: r = v^-1/2
        change = -(factor * first).square() / (factor + first)
        spread = ((own + old) * above).mean(self.over, keepdim=True)
        return self._scaled(above * (factor + first) / 2 + (own + old) / 2 * change * spread, given[0])

    def _above(self, given: Tensor) -> Tensor:
        values = given.reshape(self.shape)
        return values - values.mean(self.over, keepdim=True) if self.centred else values

    def _variance(self, above: Tensor) -> Tensor:
        return above.square().mean(self.over, keepdim=True) + self.eps

    def _scaled(self, normed: Tensor, like: Tensor) -> Tensor:
        weight, bias = self.affine
        found = normed.reshape(like.shape)
        found = found if weight is None else found * weight
        return found if bias is None else found + bias


class Largest(Ruled):
    """The maxima of windows, or of axes: `find` returns them, with the places of each in the values `flattened`.

    What rises to the higher one of both points' maxima is due to the clip's largest place, what falls from it to the
    baseline's (Lundberg and Lee 2017, arXiv 1705.07874, as their code has it).
    """

    def __init__(
        self, find: Callable[[Tensor], tuple[Tensor, Tensor]], flattened: Callable[[Tensor], Tensor] | None = None
    ) -> None:
        super().__init__()
        self.find, self.flattened = find, flattened or (lambda values: values.flatten(2))

    def forward(self, given: Tensor) -> Tensor:
        """Return the maxima."""
        return self.find(given)[0]

    def sloped(self, given: Tensors, before: Tensors) -> Tensor:
        """Return the sum of the clip's own largest place and the baseline's, each with the slope of its share."""
        flat, step = self.flattened(given[0]), self.flattened(given[0].detach() - before[0])
        (now, there), (old, place) = self.find(given[0].detach()), self.find(before[0])
        higher, found = torch.maximum(now, old), torch.zeros_like(now)
        for where, share in ((there, higher - old), (place, now - higher)):
            index = where.reshape(*flat.shape[:-1], -1)
            moved = step.gather(-1, index)
            slope = torch.where(moved == 0, 0.0, share.reshape(index.shape) / torch.where(moved == 0, 1.0, moved))
            found = found + (slope * flat.gather(-1, index)).view_as(now)
        return found


def windows(rank: int, *sides: Any, ceil_mode: bool) -> Largest:
    """Return max pooling over two or three axes, with the sides of its windows as torch names them in order."""
    pool: Callable[..., Any] = F.max_pool2d if rank == 2 else F.max_pool3d

    def find(values: Tensor) -> tuple[Tensor, Tensor]:
        found: tuple[Tensor, Tensor] = pool(values, *sides, ceil_mode=ceil_mode, return_indices=True)
        return found

    return Largest(find)


def along(axes: Sequence[int], keepdim: bool, rank: int) -> Largest:
    """Return the maximum over axes of tensors of `rank` axes."""
    gone = sorted(axis % rank for axis in axes)
    order = [*(axis for axis in range(rank) if axis not in gone), *gone]

    def flattened(values: Tensor) -> Tensor:
        return values.permute(order).flatten(rank - len(gone))

    def find(values: Tensor) -> tuple[Tensor, Tensor]:
        found, places = flattened(values).max(-1)
        for axis in gone if keepdim else ():
            found, places = found.unsqueeze(axis), places.unsqueeze(axis)
        return found, places

    return Largest(find, flattened)
