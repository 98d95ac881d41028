"""How far the best of many label words may be believed: what labels given at random would reach."""

from __future__ import annotations

import torch
from torch import Tensor

MANY_CLIPS = 1000
"""Clips from which fewer permutations are made, for each costs a pass over all of their responses."""

PERMUTATIONS, FEWEST = 999, 200

_AT_ONCE = 1 << 20
"""Numbers of the permutations that are compared at a time."""


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
    words, clips = inside.shape
    members = inside.to(ranked)
    counts = members.sum(1)[:, None, None]
    draws = permutations(clips)
    reached = torch.zeros_like(best)
    at_once = max(1, _AT_ONCE // (words * (clips + ranked.shape[1])))
    for first in range(0, draws, at_once):
        orders = torch.stack([torch.randperm(clips, generator=generator) for _ in range(first, draws)[:at_once]])
        drawn = members[:, orders.argsort(1)]  # W D N: permuting the members of a word is permuting the ranks
        areas = (drawn @ ranked - counts * (counts + 1) / 2) / (counts * (clips - counts))
        reached += (areas.amax(0) >= best - 1e-12).sum(0)
    return (1 + reached) / (1 + draws)
