"""3D DenseNet-BC (Hara, Kataoka & Satoh, CVPR 2018), after kenshohara/3D-ResNets-PyTorch.

`[architecture.arguments]` of a card: `depth` (121, 169, 201). The published files spell the layers within a dense layer
with a dot (`denselayer1.norm.1`), which module names cannot hold: see `KEY_LAYOUTS`.
"""

from __future__ import annotations

import re
from collections import OrderedDict
from collections.abc import Callable
from typing import TYPE_CHECKING, TypeVar

import torch
from torch import Tensor, nn

from reportgen.errors import CardError

if TYPE_CHECKING:
    from reportgen.records.card import ModelCard

T = TypeVar("T")

DEPTHS = {121: (6, 12, 24, 16), 169: (6, 12, 32, 32), 201: (6, 12, 48, 32)}
GROWTH = 32
BOTTLENECK = 4 * GROWTH


class DenseLayer(nn.Module):
    """Batch norm, ReLU, 1x1x1, batch norm, ReLU, 3x3x3; the result is appended to the input's channels."""

    def __init__(self, inputs: int) -> None:
        super().__init__()
        self.norm1 = nn.BatchNorm3d(inputs)
        self.relu1 = nn.ReLU()
        self.conv1 = nn.Conv3d(inputs, BOTTLENECK, 1, bias=False)
        self.norm2 = nn.BatchNorm3d(BOTTLENECK)
        self.relu2 = nn.ReLU()
        self.conv2 = nn.Conv3d(BOTTLENECK, GROWTH, 3, padding=1, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        """Map N C T H W to N C+32 T H W."""
        inner = self.conv1(self.relu1(self.norm1(x)))
        return torch.cat([x, self.conv2(self.relu2(self.norm2(inner)))], dim=1)


def _transition(inputs: int) -> nn.Sequential:
    """Halve the channels, then all three sizes."""
    return nn.Sequential(
        OrderedDict[str, nn.Module](
            norm=nn.BatchNorm3d(inputs),
            relu=nn.ReLU(),
            conv=nn.Conv3d(inputs, inputs // 2, 1, bias=False),
            pool=nn.AvgPool3d(2, 2),
        )
    )


class DenseNet3D(nn.Module):
    """Clips N 3 T H W to logits N K; the native clip has 16x112x112.

    Upstream's pool has a fixed window that equals the last map at the native size; this one is adaptive, so that larger
    sizes work too.
    """

    def __init__(self, depth: int, classes: int) -> None:
        super().__init__()
        parts = OrderedDict[str, nn.Module](
            conv0=nn.Conv3d(3, 64, 7, (1, 2, 2), 3, bias=False),
            norm0=nn.BatchNorm3d(64),
            relu0=nn.ReLU(),
            pool0=nn.MaxPool3d(3, 2, 1),
        )
        channels = 64
        for block, layers in enumerate(DEPTHS[depth], start=1):
            dense = [(f"denselayer{i + 1}", DenseLayer(channels + i * GROWTH)) for i in range(layers)]
            parts[f"denseblock{block}"] = nn.Sequential(OrderedDict[str, nn.Module](dense))
            channels += layers * GROWTH
            if block < len(DEPTHS[depth]):
                parts[f"transition{block}"] = _transition(channels)
                channels //= 2
        parts["norm5"] = nn.BatchNorm3d(channels)
        self.features = nn.Sequential(parts)
        self.relu = nn.ReLU()
        self.avgpool = nn.AdaptiveAvgPool3d(1)
        self.classifier = nn.Linear(channels, classes)

    def forward(self, x: Tensor) -> Tensor:
        """Map normalised clips N 3 T H W to logits N K."""
        last = self.relu(self.features(x))
        logits: Tensor = self.classifier(self.avgpool(last).flatten(1))
        return logits


_DOTTED = re.compile(r"\.(norm|conv)\.([12])\.")


def from_dotted(state: dict[str, T]) -> dict[str, T]:
    """Return the entries of a file of 2018 under our names: `norm.1` is `norm1`."""
    return {_DOTTED.sub(r".\1\2.", name): value for name, value in state.items()}


KEY_LAYOUTS: dict[str, Callable[[dict[str, Tensor]], dict[str, Tensor]]] = {"dotted": from_dotted}


def build(card: ModelCard) -> nn.Module:
    """Return the untrained member of the family that the card's arguments name."""
    if card.classes is None:
        raise CardError(f"The card of {card.name} must state its number of classes.")
    depth = card.architecture.arguments.get("depth")
    if depth not in DEPTHS:
        raise CardError(f"The card of {card.name} must give a depth of {', '.join(map(str, DEPTHS))}.")
    return DenseNet3D(depth, card.classes)
