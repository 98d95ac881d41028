"""The network of `texture_motion`: a small 3D CNN with plain, residual and branched parts.

Every activation is a module of its own, not in place and used once, so that methods which replace the gradient of a
ReLU (guided backpropagation, DeepLift) work on it as it stands.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

if TYPE_CHECKING:
    from reportgen.records.card import ModelCard

Size = int | tuple[int, int, int]


def _padding(kernel: Size) -> Size:
    """Return the padding that keeps the size at stride 1."""
    return kernel // 2 if isinstance(kernel, int) else (kernel[0] // 2, kernel[1] // 2, kernel[2] // 2)


class ConvUnit(nn.Module):
    """Convolution, batch norm, ReLU."""

    def __init__(self, inputs: int, outputs: int, kernel: Size, stride: Size = 1) -> None:
        super().__init__()
        self.conv = nn.Conv3d(inputs, outputs, kernel, stride, _padding(kernel), bias=False)
        self.norm = nn.BatchNorm3d(outputs)
        self.relu = nn.ReLU()

    def forward(self, x: Tensor) -> Tensor:
        """Map N C T H W to N C' T' H' W'."""
        out: Tensor = self.relu(self.norm(self.conv(x)))
        return out


class ResidualBlock(nn.Module):
    """Two 3x3x3 convolutions and a shortcut, which is a 1x1x1 convolution where the shape changes."""

    def __init__(self, inputs: int, outputs: int, stride: int = 1) -> None:
        super().__init__()
        self.conv1 = nn.Conv3d(inputs, outputs, 3, stride, 1, bias=False)
        self.norm1 = nn.BatchNorm3d(outputs)
        self.relu1 = nn.ReLU()
        self.conv2 = nn.Conv3d(outputs, outputs, 3, 1, 1, bias=False)
        self.norm2 = nn.BatchNorm3d(outputs)
        self.shortcut: nn.Module = nn.Identity()
        if stride != 1 or inputs != outputs:
            self.shortcut = nn.Sequential(nn.Conv3d(inputs, outputs, 1, stride, bias=False), nn.BatchNorm3d(outputs))
        self.relu2 = nn.ReLU()

    def forward(self, x: Tensor) -> Tensor:
        """Map N C T H W to N C' T' H' W'."""
        inner = self.relu1(self.norm1(self.conv1(x)))
        out: Tensor = self.relu2(self.norm2(self.conv2(inner)) + self.shortcut(x))
        return out


class Branches(nn.Module):
    """Four parallel views of the same input, concatenated along the channels (as in Inception)."""

    def __init__(self, inputs: int, widths: tuple[int, int, int, int]) -> None:
        super().__init__()
        point, volume, apart, pooled = widths
        self.point = ConvUnit(inputs, point, 1)
        self.volume = nn.Sequential(ConvUnit(inputs, volume // 2, 1), ConvUnit(volume // 2, volume, 3))
        self.apart = nn.Sequential(
            ConvUnit(inputs, apart // 2, 1),
            ConvUnit(apart // 2, apart, (1, 3, 3)),
            ConvUnit(apart, apart, (3, 1, 1)),
        )
        self.pooled = nn.Sequential(nn.MaxPool3d(3, 1, 1), ConvUnit(inputs, pooled, 1))

    def forward(self, x: Tensor) -> Tensor:
        """Map N C T H W to N sum(widths) T H W."""
        return torch.cat([self.point(x), self.volume(x), self.apart(x), self.pooled(x)], dim=1)


class TextureMotionNet(nn.Module):
    """Stem, plain, residual, branched and residual stages, then a linear classifier on the global average."""

    def __init__(self, classes: int) -> None:
        super().__init__()
        self.stem = ConvUnit(3, 12, (5, 7, 7), (1, 2, 2))
        self.pool1 = nn.MaxPool3d((2, 3, 3), (2, 2, 2), (0, 1, 1))
        self.plain = ConvUnit(12, 24, 3)
        self.res1 = ResidualBlock(24, 24)
        self.pool2 = nn.MaxPool3d((1, 3, 3), (1, 2, 2), (0, 1, 1))
        self.branch = Branches(24, (12, 16, 12, 8))
        self.res2 = ResidualBlock(48, 64, stride=2)
        self.pool = nn.AdaptiveAvgPool3d(1)
        self.classifier = nn.Linear(64, classes)

    def forward(self, x: Tensor) -> Tensor:
        """Map normalised clips N 3 T H W to logits N K."""
        x = self.res1(self.plain(self.pool1(self.stem(x))))
        x = self.res2(self.branch(self.pool2(x)))
        logits: Tensor = self.classifier(self.pool(x).flatten(1))
        return logits


def build(card: ModelCard) -> nn.Module:
    """Return the untrained network with the card's number of classes."""
    if card.classes is None:
        raise ValueError("the card of texture_motion must state its number of classes")
    return TextureMotionNet(card.classes)
