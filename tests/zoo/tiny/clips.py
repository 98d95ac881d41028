"""Seeded clips of drifting noise."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import torch
from torch import Tensor

if TYPE_CHECKING:
    from reportgen.records.card import ModelCard


class ReferenceClip(NamedTuple):
    """One clip, 3 T H W in [0, 1], and its class."""

    name: str
    clip: Tensor
    label: int
    label_name: str


def reference_clips(card: ModelCard, count: int, seed: int) -> list[ReferenceClip]:
    """Return noise that drifts to the right, one clip per class in turn."""
    generator = torch.Generator().manual_seed(seed)
    channels, frames, height, width = card.clip.shape
    labels = ["<b>left</b>", "right | pipe", "{{ up }}", "down"]
    made = []
    for place in range(count):
        still = torch.rand((channels, height, width), generator=generator)
        clip = torch.stack([torch.roll(still, frame, dims=-1) for frame in range(frames)], dim=1)
        made.append(ReferenceClip(f"clip-{place}", clip, place % 4, labels[place % 4]))
    return made
