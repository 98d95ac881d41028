"""How far the best of many label words may be believed: what labels given at random would reach."""

from __future__ import annotations

import torch
from torch import Tensor

MANY_CLIPS = 1000
"""Clips from which fewer permutations are made, for each costs a pass over all of their responses."""

PERMUTATIONS, FEWEST = 999, 200


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
