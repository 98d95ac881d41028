"""Where a search has ended in patches: the simple patterns that drive a kernel more, and the best of them."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, replace
from hashlib import blake2b
from typing import Any, Protocol, TypeVar

import torch
from torch import Tensor

from reportgen.analyses.common.draws import own_phase
from reportgen.analyses.kernels.closed_form import filters, reach_of
from reportgen.analyses.kernels.gratings import BINARY, Grating, Pattern, Plain, plain_colours, simple_patterns
from reportgen.analyses.kernels.schedules import Level
from reportgen.analyses.kernels.scoring import ClipScoring
from reportgen.networks.kernels.preactivation import Preactivation, clip_channels, placement
from reportgen.networks.trace.smoothed import SmoothedRectifiers

PEAKS = 4
ON_WHOLE_CLIPS = 3
_FAINT = 0.05  # of the largest gradient: a deep unit sees most of its field faintly
_MOVES = 4  # of each length at most, for a kernel that noise leaves silent
_REFINEMENTS = (1 / 4, 1 / 8, 1 / 16, 1 / 32)  # of what a kernel can tell apart

Shape = tuple[int, int, int]
Drive = tuple[float, float]
"""A kernel's objective of a clip, less its penalties, and the highest value of its map."""

RatedPattern = tuple[Drive, Pattern]

_Content = tuple[bytes, tuple[int, ...], tuple[int, ...]]


class Drawable(Protocol):
    """What can be drawn as unbounded pixels `C T H W` of a shape (T, H, W): patterns, and clips themselves."""

    def drawn(self, shape: Shape) -> Tensor:
        """Return the pixels."""
        ...


_Drawable = TypeVar("_Drawable", bound=Drawable)


@dataclass(frozen=True)
class SimpleOptimum:
    """A simple pattern as unbounded pixels `1 C T H W`: `begun` leaves a search room, `reached` is as it was rated."""

    begun: Tensor
    reached: Tensor


class SimpleOptima:
    """The simple patterns of some kernels of a layer.

    A first layer's kernel is a filter, and its patterns are those of its weights; a deeper one is taken for the filter
    that its most active unit is about a clip that was found. Weights are read off clips of a `shape` that the network
    takes. Each clip is rated once: what a search is held against comes up again behind its cool-down.
    """

    def __init__(self, scoring: ClipScoring, kernels: Sequence[int], shape: Shape) -> None:
        self.scoring = scoring
        self.kernels = kernels
        self.filters: dict[int, Tensor] = {}
        self._plain: dict[Shape, dict[int, tuple[Drive, Plain]]] = {}
        self._rates: dict[_Content, Drive] = {}
        self._about: dict[_Content, list[RatedPattern]] = {}
        if scoring.sees_pixels:
            self.filters = filters(scoring.target, kernels, shape)

    def best(self, pixels: Tensor, kernel: int, level: Level, following: Level, seed: int) -> SimpleOptimum | None:
        """Return the simple pattern, on clips of the following level, that drives a kernel more.

        None where the unbounded `pixels` `1 C T H W` that a level found drive it as much. Where the level's clips are
        smaller, the patterns that drive the kernel most there are compared on whole ones: on small clips units at the
        border, which see padding, decide too much.
        """
        rated = self.about(pixels, kernel, seed)
        rated += self.refined(rated, kernel, level.shape)
        if level.shape != following.shape:
            likely = sorted(rated, key=rate_of, reverse=True)[:ON_WHOLE_CLIPS]
            rated = self.all_rated([one for _, one in likely], kernel, following.shape)
            pixels = tiled(pixels, following.shape)
        if not rated:
            return None
        reached, best = max(rated, key=rate_of)
        if reached <= self.rate(torch.sigmoid(pixels), kernel):
            return None
        return self.optimum(best, kernel, following.shape)

    def about(self, pixels: Tensor, kernel: int, seed: int) -> list[RatedPattern]:
        """Return the simple patterns of a kernel about unbounded `pixels` `1 C T H W`, rated on clips of their shape.

        Of a deeper layer these are the patterns of the filter that its most active unit is there, and the best plain
        colour, which behind other layers need not be that filter's.
        """
        content = _content(pixels, kernel, seed)
        if content not in self._about:
            self._about[content] = self._rated_about(pixels, kernel, seed)
        return list(self._about[content])

    def _rated_about(self, pixels: Tensor, kernel: int, seed: int) -> list[RatedPattern]:
        shape = pixels.shape[2], pixels.shape[3], pixels.shape[4]
        known = self.filters.get(kernel)
        weights = self.filter_about(torch.sigmoid(pixels), kernel) if known is None else known
        if weights is None:
            return []
        field = None if known is None else self.scoring.tiles
        patterns = simple_patterns(weights, field, own_phase(seed, kernel), PEAKS)
        rated = self.all_rated(patterns, kernel, shape)
        return rated if known is not None else [*rated, self._best_plain(kernel, shape)]

    def optimum(self, pattern: Pattern, kernel: int, shape: Shape) -> SimpleOptimum:
        """Return a pattern as a search goes on from it, on clips of `shape`."""
        begun, reached = (one.drawn(shape)[None].to(**self._place) for one in (pattern, self.shown(pattern, kernel)))
        return SimpleOptimum(begun=begun, reached=reached)

    def shown(self, pattern: Drawable, kernel: int) -> Drawable:
        """Return a pattern as it is rated: black and white, but for kernels near whose threshold a little decides."""
        return pattern if self.scoring.rare[kernel] else sharp(pattern)

    def _best_plain(self, kernel: int, shape: Shape) -> tuple[Drive, Pattern]:
        """Return the plain colour that drives a kernel most.

        All kernels are asked at once, so that each colour costs one pass of the layers before.
        """
        if shape not in self._plain:
            rated: dict[int, list[tuple[Drive, Plain]]] = {k: [] for k in self.kernels}
            for colour in plain_colours(clip_channels(self.scoring.network)):
                maps = self.scoring.all_maps(torch.sigmoid(colour.drawn(shape)[None].to(**self._place)))
                for k, found in rated.items():
                    found.append(((self.scoring.summed(maps[:, k]), float(maps[:, k].max())), colour))
            self._plain[shape] = {k: max(found, key=rate_of) for k, found in rated.items()}
        return self._plain[shape][kernel]

    def refined(self, rated: Sequence[RatedPattern], kernel: int, shape: Shape) -> list[RatedPattern]:
        """Return the best of ever closer gratings about the best of those `rated`, for a kernel that seldom fires.

        Near a threshold a little more or less decides; for others it changes little, and there is none.
        """
        gratings = [(rate, one) for rate, one in rated if isinstance(one, Grating)]
        if not gratings or not self.scoring.rare[kernel]:
            return []
        best = max(gratings, key=rate_of)
        even = [replace(one, contrast=BINARY) for one in best[1].even(shape)]
        best = max([best, *self.all_rated(even, kernel, shape)], key=rate_of)
        for step in _REFINEMENTS:
            for _ in range(_MOVES if self.scoring.silent[kernel] else 1):
                tried = self.all_rated(best[1].neighbours(step), kernel, shape)
                before, best = best, max([best, *tried], key=rate_of)
                if best is before:
                    break
        return [best]

    def all_rated(self, patterns: Sequence[_Drawable], kernel: int, shape: Shape) -> list[tuple[Drive, _Drawable]]:
        """Return patterns, each as it is shown, with what a kernel makes of them on clips of `shape`."""
        drawn = [self.shown(one, kernel).drawn(shape)[None].to(**self._place).sigmoid() for one in patterns]
        return list(zip(self.rates(drawn, kernel), patterns, strict=True))

    def rate(self, clip: Tensor, kernel: int) -> Drive:
        """Return a kernel's objective of a clip `1 C T H W`, less its penalties, and the highest value of its map.

        Where two clips leave a kernel silent, that which comes nearer to its threshold is the better.
        """
        return self.rates([clip], kernel)[0]

    def rates(self, clips: Sequence[Tensor], kernel: int) -> list[Drive]:
        """Return what `rate` does of clips of one shape, of which as many as make up one whole clip pass together."""
        contents = [_content(clip, kernel) for clip in clips]
        asked = {content: clip for content, clip in zip(contents, clips, strict=True) if content not in self._rates}
        waiting, together = list(asked.items()), self._together(clips)
        for first in range(0, len(waiting), together):
            part = waiting[first : first + together]
            maps = self.scoring.own_map(torch.cat([clip for _, clip in part]), kernel)
            for (content, clip), own in zip(part, maps.split(1), strict=True):
                objective = self.scoring.summed(own) - self.scoring.penalty(clip, kernel)
                self._rates[content] = objective, float(own.max())
        return [self._rates[content] for content in contents]

    def _together(self, clips: Sequence[Tensor]) -> int:
        """Return how many clips pass together: a search has memory for a whole one, with its way back."""
        if self.scoring.network.at_once(2) == 1:
            return 1
        return max(1, math.prod(self.scoring.shape) // math.prod(clips[0].shape[2:])) if clips else 1

    def filter_about(self, clip: Tensor, kernel: int) -> Tensor | None:
        """Return what the unit that answers most weighs `C T H W` about a clip `1 C T H W`; None without a gradient."""
        with SmoothedRectifiers() if self.scoring.silent[kernel] else nullcontext():
            return local_filter(self.scoring.climbed, clip, kernel)

    def gradient_about(self, pixels: Tensor, kernel: int, *, every: bool = False) -> Tensor:
        """Return the gradient `C T H W`, about unbounded `pixels` of that shape, of the unit that answers most.

        What that unit sees faintly is 0; of the sum of `every` unit it is all there.
        """
        clip, told = torch.sigmoid(pixels[None]), torch.sum if every else _one_of_the_most
        asleep = self.scoring.silent[kernel] and self.rate(clip, kernel)[1] <= 0
        with SmoothedRectifiers() if asleep else nullcontext():
            gradient = _gradient(self.scoring.climbed, clip, kernel, told)[0].to(pixels)
        return gradient if every else _clear(gradient)

    @property
    def _place(self) -> dict[str, Any]:
        return placement(self.scoring.network)


def local_filter(target: Preactivation, clip: Tensor, kernel: int) -> Tensor | None:
    """Return what the unit of a kernel that answers most weighs `C T H W` about a clip `1 C T H W`, on the CPU.

    None where no gradient is.
    """
    gradient = _gradient(target, clip, kernel, torch.max)
    if not gradient.any():
        return None
    return gradient[reach_of(_clear(gradient))][0].float().cpu()


def _clear(gradient: Tensor) -> Tensor:
    """Return a gradient without what is faint."""
    return gradient.where(gradient.abs() > _FAINT * gradient.abs().amax(), 0)


def _gradient(target: Preactivation, clip: Tensor, kernel: int, told: Callable[[Tensor], Tensor]) -> Tensor:
    """Return the gradient `1 C T H W`, about a clip of that shape, of what is `told` of a kernel's map."""
    asked = clip.detach().requires_grad_()
    with torch.enable_grad():
        own = target.own_maps(asked, torch.tensor([kernel], device=clip.device))
        (gradient,) = torch.autograd.grad(told(own), asked)
    return gradient


def _one_of_the_most(own: Tensor) -> Tensor:
    """Return the highest value of a map, from its middle where several are as high, as in a clip that repeats."""
    values = own.flatten()
    alike = (values == values.max()).nonzero().flatten()
    return values[alike[len(alike) // 2]]


def _content(clip: Tensor, *asked: int) -> _Content:
    """Return what tells a clip from all others, with what is asked about it."""
    values = clip.detach().cpu().contiguous().flatten().view(torch.uint8)
    return blake2b(values.numpy().tobytes(), digest_size=16).digest(), tuple(clip.shape), asked


def tiled(pixels: Tensor, shape: tuple[int, int, int]) -> Tensor:
    """Return pixels `N C T H W` side by side over clips of `shape`."""
    tiles = [-(-size // part) for size, part in zip(shape, pixels.shape[2:], strict=True)]
    return pixels.repeat(1, 1, *tiles)[..., : shape[0], : shape[1], : shape[2]]


def sharp(pattern: Drawable) -> Drawable:
    """Return a pattern as black and white as the others and the clips that a search finds."""
    return replace(pattern, contrast=BINARY) if isinstance(pattern, Grating) else pattern


def rate_of(rated: tuple[Drive, object]) -> Drive:
    """Return the rate of what was rated."""
    return rated[0]
