"""Whether a pathway is its class's: does silencing it cost the class more on the class's other clips than on others?

A pathway is chosen by what it does on one clip, so that its removal there costs the class in any network, a random one
too. On clips that had no part in the choice it costs the class more than other clips only where it stands for it.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass
from math import comb

import numpy as np
import torch
from numpy.typing import NDArray

from reportgen.analyses.base import Subject, tensor
from reportgen.analyses.common.readable import UnreadableClips, readable_clips
from reportgen.analyses.pyramid.ablation import Passes, kept_apart, kept_kernels
from reportgen.analyses.pyramid.class_pyramid import ClassPyramid
from reportgen.analyses.pyramid.controls import LEAST_WAYS
from reportgen.clips import Clip, ClipReference
from reportgen.networks.core.network import Network

MOST_OWN, MOST_OTHERS = 8, 24
"""Clips of the class and of other classes that are asked, at most."""

RELABELLINGS = 999


@dataclass(frozen=True)
class OnClips:
    """What silencing a pathway costs its class on `own` clips of it and on `others` (means; counts beside).

    A cost is the fall of the class's logit beyond the mean fall of the other logits. `p` is how often as many clips
    drawn at random lose as much as the class's own on average.
    """

    own: int
    others: int
    own_drop: float
    other_drop: float
    p: float


def labelled_clips(subject: Subject) -> list[tuple[str, int]]:
    """Return digest and label of every clip that may be asked."""
    return sorted({(one.digest, one.label) for one in subject.every_clip if one.label is not None})


def chosen_clips(subject: Subject, clip: Clip, label: int) -> list[ClipReference]:
    """Return labelled clips beside `clip`: some of the class, and some of other classes, drawn with the run's seed."""
    every = {one.digest: one for one in subject.every_clip if one.label is not None}
    left = [one for digest, one in every.items() if digest != clip.digest]
    random.Random(subject.seed).shuffle(left)
    own = [one for one in left if one.label == label][:MOST_OWN]
    others = [one for one in left if one.label != label][:MOST_OTHERS]
    return [*own, *others] if comb(len(own) + len(others), len(own)) >= LEAST_WAYS else []


def on_clips(
    network: Network, clips: Sequence[ClipReference], label: int, pyramid: ClassPyramid, *, seed: int, batch: int
) -> OnClips | None:
    """Return what silencing a pathway costs its class on labelled clips; None where they are too few to tell."""
    costs, own = kept_apart(lambda size: _costs(network, clips, label, pyramid, size), network.at_once(batch))
    return compared(costs, own, seed=seed)


def _costs(
    network: Network, clips: Sequence[ClipReference], label: int, pyramid: ClassPyramid, batch: int
) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """Return what it costs on each clip that can be read, and which of these are the class's own."""
    kept = kept_kernels(pyramid)
    costs: list[float] = []
    labels: list[int | None] = []
    waiting: list[Clip] = []

    def measure() -> None:
        pixels = torch.cat([tensor(clip) for clip in waiting]).to(network.device)
        drops = Passes(network, pixels, pyramid.graph, list(kept)).without(kept)
        costs.extend((drops[:, label] - np.delete(drops, label, axis=1).mean(1)).tolist())
        labels.extend(clip.label for clip in waiting)
        waiting.clear()

    for clip in readable_clips(clips, UnreadableClips()):
        waiting.append(clip)
        if len(waiting) == batch:
            measure()
    if waiting:
        measure()
    return np.array(costs), np.array([one == label for one in labels], bool)


def compared(costs: NDArray[np.float64], own: NDArray[np.bool_], *, seed: int) -> OnClips | None:
    """Return how the costs `N` on a class's `own` clips stand among those on all; None where too few can tell."""
    count = int(own.sum())
    if comb(len(costs), count) < LEAST_WAYS:
        return None
    generator = np.random.default_rng(seed)
    sums = np.array([costs[generator.permutation(len(costs))[:count]].sum() for _ in range(RELABELLINGS)])
    least = float(costs[own].sum()) - 1e-9 * float(np.abs(costs).sum())
    return OnClips(
        own=count,
        others=len(costs) - count,
        own_drop=float(costs[own].mean()),
        other_drop=float(costs[~own].mean()),
        p=(1 + int((sums >= least).sum())) / (1 + RELABELLINGS),
    )
