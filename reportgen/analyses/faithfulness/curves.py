"""The class logit of a clip of which only some tubes are shown, and its curves while ever more are."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from reportgen.analyses.common.memory import starting_batch, with_less_memory
from reportgen.analyses.faithfulness.tubes import Tubes
from reportgen.networks.core.network import Network


@dataclass(frozen=True)
class Curves:
    """The class logit while a clip's tubes are shown (insertion) or hidden (deletion), the most marked ones first.

    `shares` S+1 are the shares of tubes shown or hidden, from 0 to 1. The areas are under the logit's share of its
    way from the baseline's (0) to the clip's (1): a faithful map has a large one for insertion, a small one for
    deletion.
    """

    shares: tuple[float, ...]
    insertion: tuple[float, ...]
    deletion: tuple[float, ...]
    insertion_auc: float
    deletion_auc: float


@dataclass(frozen=True)
class ShownTubes:
    """The class logits of a clip of which only some tubes are shown."""

    network: Network
    clip: Tensor
    baseline: Tensor
    class_index: int
    tubes: Tubes
    batch_size: int | None
    advance: Callable[[float], None]

    def __call__(self, shown: Tensor) -> Tensor:
        """Return the logits M, float64 on the CPU, for `shown` M count bool."""
        first = self.batch_size or starting_batch(self.clip)
        return with_less_memory(lambda size: self._logits(shown, size), first, "hiding parts of it")

    def _logits(self, shown: Tensor, batch_size: int) -> Tensor:
        found = [torch.zeros(0, dtype=torch.float64)]
        for start in range(0, len(shown), batch_size):
            masks = self.tubes.masks(shown[start : start + batch_size].to(self.clip.device))
            with torch.no_grad():
                logits = self.network.logits(torch.where(masks, self.clip, self.baseline))
            found.append(self.network.told(logits.double())[:, self.class_index].cpu())
            self.advance(len(logits))
        return torch.cat(found)


def curves_of(measure: ShownTubes, scores: Tensor, steps: int, none: float, whole: float) -> list[Curves]:
    """Return the curves of maps with `scores` M count; the ends of all curves are `none` and `whole`."""
    levels, first = _first_tubes(scores, steps)
    logits = measure(torch.cat([first, ~first], dim=1).flatten(0, 1)).view(len(scores), 2, len(levels))
    shares = _shares(levels, scores.shape[1])
    found = []
    for shown, hidden in logits.tolist():
        insertion, deletion = (none, *shown, whole), (whole, *hidden, none)
        areas = (_area(shares, values, none, whole) for values in (insertion, deletion))
        found.append(Curves(shares, insertion, deletion, *areas))
    return found


def curves_of_random_maps(measure: ShownTubes, scores: Tensor, steps: int, none: float, whole: float) -> list[Curves]:
    """Return the insertion of random maps with `scores` M count beside the deletion of each one's reverse.

    Showing the first tubes of an order is hiding the first ones of its reverse, which is as random: the same clips
    serve both, at half of the cost, and each curve stands among M independent ones.
    """
    levels, first = _first_tubes(scores, steps)
    logits = measure(first.flatten(0, 1)).view(len(scores), len(levels))
    shares = _shares(levels, scores.shape[1])
    found = []
    for shown in logits.tolist():
        insertion = (none, *shown, whole)
        area = _area(shares, insertion, none, whole)
        found.append(Curves(shares, insertion, insertion[::-1], area, area))
    return found


def _first_tubes(scores: Tensor, steps: int) -> tuple[list[int], Tensor]:
    """Return how many tubes come first at each step, and which of them, `M steps count` bool.

    With `n` there is always `count - n`: a curve read from its end has the same steps.
    """
    count = scores.shape[1]
    order = scores.argsort(dim=1, descending=True, stable=True)
    place = torch.empty_like(order).scatter_(1, order, torch.arange(count).expand_as(order))
    half = {round(count * step / steps) for step in range(1, steps // 2 + 1)}
    levels = sorted((half | {count - level for level in half}) - {0, count})
    return levels, place[:, None, :] < torch.tensor(levels, dtype=torch.long)[None, :, None]


def _shares(levels: Sequence[int], count: int) -> tuple[float, ...]:
    return tuple(level / count for level in [0, *levels, count])


def _area(shares: Sequence[float], logits: Sequence[float], none: float, whole: float) -> float:
    """Return the area (trapezoids) under the logit's share of its way from `none` to `whole`."""
    values = torch.tensor(logits, dtype=torch.float64)
    relative = (values - none) / (whole - none)
    return float(torch.trapezoid(relative, torch.tensor(shares, dtype=torch.float64)))
