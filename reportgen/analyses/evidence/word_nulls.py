"""How far the best of many label words may be believed: its null, and how much it depends on which clips there were."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

MANY_CLIPS = 1000
"""Clips from which fewer permutations are made, for each costs a pass over all of their responses."""

PERMUTATIONS, FEWEST = 999, 200

BOOTSTRAPS = 500

MOST_A_SIDE = 200
"""Clips with the word, and without it, that an interval is made of; of more, a random part."""


def permutations(clips: int) -> int:
    """Return how often the labels of so many clips are permuted."""
    return PERMUTATIONS if clips < MANY_CLIPS else FEWEST


def max_null(ranked: Tensor, inside: Tensor, best: Tensor, *, seed: int) -> Tensor:
    """Return for each kernel how often permuted labels have a word that leads as far as its best one does, `K`.

    `ranked` `N K` are the ranks of the responses, `inside` `W N` says which clips have a word, `best` `K` is the
    largest AUROC over the words. What is compared is the largest over all words each time, with the same permutations
    for all kernels: p = (1 + b) / (n + 1).
    """
    generator = torch.Generator().manual_seed(seed)
    members = inside.to(ranked)
    counts = members.sum(1, keepdim=True)
    clips, draws = len(ranked), permutations(len(ranked))
    reached = torch.zeros_like(best)
    for _ in range(draws):
        order = torch.randperm(clips, generator=generator)
        areas = (members @ ranked[order] - counts * (counts + 1) / 2) / (counts * (clips - counts))
        reached += areas.amax(0) >= best - 1e-12
    return (1 + reached) / (1 + draws)


def auroc_interval(own: NDArray[np.float64], others: NDArray[np.float64], *, seed: int) -> tuple[float, float]:
    """Return the 95% bootstrap interval of an AUROC over the clips with a word (`own`) and those without it."""
    generator = np.random.default_rng(seed)
    sides = [generator.permutation(side)[:MOST_A_SIDE] for side in (own, others)]
    ahead = np.sign(sides[0][:, None] - sides[1][None, :]) / 2 + 0.5
    weights = [generator.multinomial(len(side), np.full(len(side), 1 / len(side)), BOOTSTRAPS) for side in sides]
    areas = ((weights[0] @ ahead) * weights[1]).sum(1) / ahead.size
    low, high = np.percentile(areas, [2.5, 97.5])
    return float(low), float(high)
