"""VGG-16 with and without batch norm (Simonyan & Zisserman, ICLR 2015), under torchvision's names.

`[architecture.arguments]` of a card: `batch_norm` (true or false).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from torch import Tensor, nn

from reportgen.errors import CardError

if TYPE_CHECKING:
    from reportgen.records.card import ModelCard

# Channels of the convolutions between max pools.
STAGES = ((64, 64), (128, 128), (256, 256, 256), (512, 512, 512), (512, 512, 512))


class VGG16(nn.Module):
    """Images N 3 224 224 to logits N K; any size from 32x32."""

    def __init__(self, classes: int, batch_norm: bool) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        inputs = 3
        for stage in STAGES:
            for outputs in stage:
                layers.append(nn.Conv2d(inputs, outputs, 3, padding=1))
                if batch_norm:
                    layers.append(nn.BatchNorm2d(outputs))
                layers.append(nn.ReLU())
                inputs = outputs
            layers.append(nn.MaxPool2d(2))
        self.features = nn.Sequential(*layers)
        self.avgpool = nn.AdaptiveAvgPool2d((7, 7))
        self.classifier = nn.Sequential(
            nn.Linear(512 * 7 * 7, 4096),
            nn.ReLU(),
            nn.Dropout(),
            nn.Linear(4096, 4096),
            nn.ReLU(),
            nn.Dropout(),
            nn.Linear(4096, classes),
        )

    def forward(self, x: Tensor) -> Tensor:
        """Map normalised images N 3 H W to logits N K."""
        logits: Tensor = self.classifier(self.avgpool(self.features(x)).flatten(1))
        return logits


def build(card: ModelCard) -> nn.Module:
    """Return the untrained network, with batch norm where the card's arguments say so."""
    if card.classes is None:
        raise CardError(f"The card of {card.name} must state its number of classes.")
    return VGG16(card.classes, bool(card.architecture.arguments.get("batch_norm", False)))
