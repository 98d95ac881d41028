"""Where a search has ended in patches: the simple patterns that drive a kernel more, and the best of them."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import nullcontext
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from reportgen.analyses.common.draws import own_phase
from reportgen.analyses.kernels.closed_form import filters, reach_of
from reportgen.analyses.kernels.gratings import BINARY, Grating, Pattern, Plain, plain_colours, simple_patterns
from reportgen.analyses.kernels.schedules import Level
from reportgen.analyses.kernels.scoring import ClipScoring
from reportgen.networks.core.network import Network
from reportgen.networks.kernels.preactivation import Preactivation
from reportgen.networks.trace.smoothed import SmoothedRectifiers

PEAKS = 4
_FAINT = 0.05  # of the largest gradient: a deep unit sees most of its field faintly
_MOVES = 4  # of each length at most, for a kernel that noise leaves silent
_ON_WHOLE_CLIPS = 3
_REFINEMENTS = (1 / 4, 1 / 8, 1 / 16, 1 / 32)  # of what a kernel can tell apart

_Rate = tuple[float, float]
_Rated = tuple[_Rate, Grating]


@dataclass(frozen=True)
class SimpleOptimum:
    """A simple pattern as unbounded pixels `1 C T H W`: `begun` leaves a search room, `reached` is as it was rated."""

    begun: Tensor
    reached: Tensor


class SimpleOptima:
    """The simple patterns of some kernels of a layer.

    A first layer's kernel is a filter, and its patterns are those of its weights; a deeper one is taken for the filter
    that its most active unit is about the clip that was found. Weights are read off clips of a `shape` that the
    network takes.
    """

    def __init__(
        self, scoring: ClipScoring, network: Network, kernels: Sequence[int], shape: tuple[int, int, int]
    ) -> None:
        self.scoring = scoring
        self.kernels = kernels
        self.filters: dict[int, Tensor] = {}
        self._plain: dict[tuple[int, int, int], dict[int, tuple[_Rate, Plain]]] = {}
        if scoring.sees_pixels:
            self.filters = filters(network, scoring.target.layer, kernels, shape)

    def best(self, pixels: Tensor, kernel: int, level: Level, following: Level, seed: int) -> SimpleOptimum | None:
        """Return the simple pattern, on clips of the following level, that drives a kernel more.

        None where the unbounded `pixels` `1 C T H W` that a level found drive it as much. Where the level's clips are
        smaller, the patterns that drive the kernel most there are compared on whole ones: on small clips units at the
        border, which see padding, decide too much.
        """
        known = self.filters.get(kernel)
        about = self.scoring.canvas(level).bounded(pixels)
        weights = self.filter_about(about, kernel) if known is None else known
        if weights is None:
            return None
        phase = own_phase(seed, kernel)
        field = None if known is None else self.scoring.field
        patterns = simple_patterns(weights, field, phase, PEAKS)
        rare = self.scoring.rare[kernel]
        rated = [(self._rated(one if rare else sharp(one), kernel, level), one) for one in patterns]
        if known is None:
            rated.append(self._best_plain(kernel, level))
        if rare:
            gratings = [(rate, one) for rate, one in rated if isinstance(one, Grating)]
            rated += [self._refined(max(gratings, key=_rate_of), kernel, level)] if gratings else []
        if level.shape != following.shape:
            likely = sorted(rated, key=_rate_of, reverse=True)[:_ON_WHOLE_CLIPS]
            rated = [(self._rated(one if rare else sharp(one), kernel, following), one) for _, one in likely]
            pixels = tiled(pixels, following.shape)
        reached, best = max(rated, key=_rate_of)
        if reached <= self.rate(self.scoring.canvas(following).bounded(pixels), kernel):
            return None
        drawn = [one.drawn(following.shape)[None].to(pixels) for one in (best, best if rare else sharp(best))]
        return SimpleOptimum(begun=drawn[0], reached=drawn[1])

    def _best_plain(self, kernel: int, level: Level) -> tuple[_Rate, Pattern]:
        """Return the plain colour that drives a kernel most: behind other layers it need not be its filter's.

        All kernels are asked at once, so that each colour costs one pass of the layers before.
        """
        if level.shape not in self._plain:
            canvas = self.scoring.canvas(level)
            rated: dict[int, list[tuple[_Rate, Plain]]] = {k: [] for k in self.kernels}
            for colour in plain_colours(canvas.channels):
                maps = self.scoring.all_maps(canvas.bounded(colour.drawn(level.shape)[None].to(canvas.gain)))
                for k, found in rated.items():
                    found.append(((self.scoring.summed(maps[:, k]), float(maps[:, k].max())), colour))
            self._plain[level.shape] = {k: max(found, key=_rate_of) for k, found in rated.items()}
        return self._plain[level.shape][kernel]

    def _refined(self, best: _Rated, kernel: int, level: Level) -> _Rated:
        """Return the best of ever closer gratings about one that a kernel answers to, where it seldom fires.

        Near a threshold a little more or less decides; for others it changes little.
        """
        even = [replace(one, contrast=BINARY) for one in best[1].even(level.shape)]
        best = max([best, *((self._rated(one, kernel, level), one) for one in even)], key=_rate_of)
        for step in _REFINEMENTS:
            for _ in range(_MOVES if self.scoring.silent[kernel] else 1):
                tried = [(self._rated(one, kernel, level), one) for one in best[1].neighbours(step)]
                before, best = best, max([best, *tried], key=_rate_of)
                if best is before:
                    break
        return best

    def _rated(self, pattern: Pattern, kernel: int, level: Level) -> _Rate:
        pixels = pattern.drawn(level.shape)[None].to(self.scoring.canvas(level).gain)
        return self.rate(self.scoring.canvas(level).bounded(pixels), kernel)

    def rate(self, clip: Tensor, kernel: int) -> _Rate:
        """Return a kernel's objective of a clip `1 C T H W`, less its penalties, and the highest value of its map.

        Where two clips leave a kernel silent, that which comes nearer to its threshold is the better.
        """
        own = self.scoring.own_map(clip, kernel)
        return self.scoring.summed(own) - self.scoring.penalty(clip, kernel), float(own.max())

    def filter_about(self, clip: Tensor, kernel: int) -> Tensor | None:
        """Return what the unit that answers most weighs `C T H W` about a clip `1 C T H W`; None without a gradient."""
        with SmoothedRectifiers() if self.scoring.silent[kernel] else nullcontext():
            return local_filter(self.scoring.target, clip, kernel)


def local_filter(target: Preactivation, clip: Tensor, kernel: int) -> Tensor | None:
    """Return what the unit of a kernel that answers most weighs `C T H W` about a clip `1 C T H W`, on the CPU.

    None where no gradient is.
    """
    asked = clip.detach().requires_grad_()
    with torch.enable_grad():
        own = target.own_maps(asked, torch.tensor([kernel], device=clip.device))
        (gradient,) = torch.autograd.grad(own.flatten().max(), asked)
    if not gradient.any():
        return None
    clear = gradient.where(gradient.abs() > _FAINT * gradient.abs().amax(), 0)
    return gradient[reach_of(clear)][0].float().cpu()


def tiled(pixels: Tensor, shape: tuple[int, int, int]) -> Tensor:
    """Return pixels `N C T H W` side by side over clips of `shape`."""
    tiles = [-(-size // part) for size, part in zip(shape, pixels.shape[2:], strict=True)]
    return pixels.repeat(1, 1, *tiles)[..., : shape[0], : shape[1], : shape[2]]


def sharp(pattern: Pattern) -> Pattern:
    """Return a pattern as black and white as the others and the clips that a search finds."""
    return replace(pattern, contrast=BINARY) if isinstance(pattern, Grating) else pattern


def _rate_of(rated: tuple[_Rate, Pattern]) -> _Rate:
    return rated[0]
