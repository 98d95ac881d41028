"""Clips that repeat what one unit sees, for layers behind tubelets or patches.

The units of such a layer share few pixels: a search raises each piece of the clip by itself, slowly, and most of the
pieces end below the best one. Behind a few layers a unit is nearly linear in its pixels, so that its gradient tells
which of them are to be black and which white: a step towards that corner, as of Frank and Wolfe (1956), moves a piece
as far as many steps of a search.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import torch
from torch import Tensor

from reportgen.analyses.common.draws import own_generator
from reportgen.analyses.kernels.closed_form import reach_of
from reportgen.analyses.kernels.gratings import BINARY
from reportgen.analyses.kernels.scoring import ClipScoring
from reportgen.analyses.kernels.simple_optima import Drive, Shape, SimpleOptima, rate_of

_TOGETHER = (1.0, 0.5, 0.5, 0.5)  # of the way to their corners, all pieces at once
_SHARES = (1.0, 0.5, 0.25)  # of the way to its corner, the first that helps the best piece
_STARTS = 4  # those with the highest pieces
_ROUNDS = 8

_Rated = tuple[Drive, Tensor]


class RepeatedPieces:
    """Finds such clips of kernels of a layer, on clips of the `small` shape.

    There are none of a layer that is behind no tubelets or patches, or whose units see the whole clip.
    """

    def __init__(self, scoring: ClipScoring, simple: SimpleOptima, small: Shape) -> None:
        self.simple, self.small = simple, small
        self.steps = scoring.views.steps

    def repeated(self, pixels: Tensor, kernel: int, seed: int) -> list[_Rated]:
        """Return unbounded pixels like those of a found clip, `C T H W`, that repeat a kernel's best piece.

        Pieces begin as they are in the clip, and as noise. What is repeated is all that a unit sees, or one tubelet or
        patch of it. They are rated on small clips.
        """
        if max(self.steps) == 1 or not _fits(self.steps, self.small):
            return []
        t, y, x = self.small
        part = pixels[:, :t, :y, :x]
        if not self._periods(self.simple.gradient_about(part, kernel)):
            return []
        noise = torch.randn(part.shape, generator=own_generator(seed, kernel, -1)).to(part)
        starts = [*self._raised(part, kernel), *self._raised(noise, kernel)]
        starts.sort(key=lambda one: self.simple.rate(one[None].sigmoid(), kernel)[1], reverse=True)
        begun: dict[Shape, list[_Rated]] = {}
        for start in starts[:_STARTS]:
            gradient = self.simple.gradient_about(start, kernel)
            for period in self._periods(gradient):
                again = _repeat(start, self._place(gradient), period)
                begun.setdefault(period, []).append(self._rated(again, kernel))
        found = []
        for period, rated in begun.items():
            rate, best = self._best(max(rated, key=rate_of), kernel, period)
            found.append((rate, _repeat(best, (0, 0, 0), period, pixels.shape[1:])))
        return found

    def _periods(self, gradient: Tensor) -> list[Shape]:
        """Return the lengths (T, H, W) in which pieces may be repeated; none where a unit sees the whole clip."""
        axes = zip(reach_of(gradient[None])[2:], self._place(gradient), self.steps, strict=True)
        t, y, x = (-(-(seen.stop - at) // step) * step for seen, at, step in axes)
        return [one for one in dict.fromkeys([(t, y, x), self.steps]) if _fits(one, self.small)]

    def _place(self, gradient: Tensor) -> Shape:
        """Return where (T, H, W) the tubelets or patches begin in which a unit of this gradient `C T H W` looks."""
        seen = reach_of(gradient[None])[2:]
        t, y, x = (one.start // step * step for one, step in zip(seen, self.steps, strict=True))
        return t, y, x

    def _raised(self, pixels: Tensor, kernel: int) -> Iterator[Tensor]:
        """Yield pixels, and these as all of their pieces go to their corners."""
        yield pixels
        for share in _TOGETHER:
            gradient = self.simple.gradient_about(pixels, kernel, every=True)
            pixels = pixels.lerp(_cornered(pixels, gradient), share)
            yield pixels

    def _best(self, begun: _Rated, kernel: int, period: Shape) -> _Rated:
        """Return a repeated piece with its rate, as far as steps to its corner raise it."""
        best = begun
        for _ in range(_ROUNDS):
            gradient = self.simple.gradient_about(best[1], kernel)
            corner, place = _cornered(best[1], gradient), self._place(gradient)
            tried = (self._rated(_repeat(best[1].lerp(corner, share), place, period), kernel) for share in _SHARES)
            better = next((one for one in tried if one[0] > best[0]), None)
            if better is None:
                break
            best = better
        return best

    def _rated(self, pixels: Tensor, kernel: int) -> _Rated:
        return self.simple.rate(pixels[None].sigmoid(), kernel), pixels


def _fits(period: Shape, shape: Shape) -> bool:
    """Whether clips of a shape hold a piece twice, along one of their axes at least."""
    return any(2 * length <= size for length, size in zip(period, shape, strict=True))


def _cornered(pixels: Tensor, gradient: Tensor) -> Tensor:
    """Return unbounded pixels, black and white as a gradient tells where it is not 0."""
    return torch.where(gradient == 0, pixels, gradient.sign() * BINARY)


def _repeat(pixels: Tensor, start: Shape, period: Shape, shape: Sequence[int] | None = None) -> Tensor:
    """Return pixels `C T H W` of a `shape` (T, H, W), their own by default, that repeat `period` of them at `start`."""
    sizes = pixels.shape[1:] if shape is None else shape
    for dim, (at, length, size) in enumerate(zip(start, period, sizes, strict=True), start=1):
        rows = at + (torch.arange(size, device=pixels.device) - at) % length
        pixels = pixels.index_select(dim, rows % pixels.shape[dim])
    return pixels
