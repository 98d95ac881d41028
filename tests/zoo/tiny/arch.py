"""Two convolutions and a classifier: enough of a network for every analysis, small enough for milliseconds."""

from __future__ import annotations

from collections import OrderedDict
from typing import TYPE_CHECKING

from torch import nn

if TYPE_CHECKING:
    from reportgen.records.card import ModelCard


def build(card: ModelCard) -> nn.Module:
    """Return the network, `N 3 T H W` to logits `N K`."""
    return nn.Sequential(
        OrderedDict(
            first=nn.Conv3d(3, 4, 3, padding=1, stride=(1, 2, 2)),
            first_relu=nn.ReLU(),
            second=nn.Conv3d(4, 6, 3, padding=1),
            second_relu=nn.ReLU(),
            pool=nn.AdaptiveAvgPool3d(1),
            flatten=nn.Flatten(),
            classifier=nn.Linear(6, card.classes or 4),
        )
    )
