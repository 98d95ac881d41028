"""S3D: separable 3D Inception (Xie et al., ECCV 2018), under torchvision's names."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn
from torch.nn import functional

from reportgen.errors import CardError

if TYPE_CHECKING:
    from reportgen.records.card import ModelCard

Triple = tuple[int, int, int]

# Output channels of the branches: 1x1x1; 1x1x1 then separable; 1x1x1 then separable; pool then 1x1x1.
BLOCKS = {
    "3b": (64, (96, 128), (16, 32), 32),
    "3c": (128, (128, 192), (32, 96), 64),
    "4b": (192, (96, 208), (16, 48), 64),
    "4c": (160, (112, 224), (24, 64), 64),
    "4d": (128, (128, 256), (24, 64), 64),
    "4e": (112, (144, 288), (32, 64), 64),
    "4f": (256, (160, 320), (32, 128), 128),
    "5b": (256, (160, 320), (32, 128), 128),
    "5c": (384, (192, 384), (48, 128), 128),
}
NATIVE_POOL = (2, 7, 7)


class ConvUnit(nn.Sequential):
    """Convolution, batch norm (epsilon 1e-3), ReLU."""

    def __init__(self, inputs: int, outputs: int, kernel: Triple = (1, 1, 1), stride: Triple = (1, 1, 1)) -> None:
        padding = (kernel[0] // 2, kernel[1] // 2, kernel[2] // 2)
        super().__init__(
            nn.Conv3d(inputs, outputs, kernel, stride, padding, bias=False),
            nn.BatchNorm3d(outputs, eps=1e-3, momentum=1e-3),
            nn.ReLU(),
        )


class Separable(nn.Sequential):
    """A convolution in space, then one in time."""

    def __init__(self, inputs: int, outputs: int, kernel: int, stride: int = 1) -> None:
        super().__init__(
            ConvUnit(inputs, outputs, (1, kernel, kernel), (1, stride, stride)),
            ConvUnit(outputs, outputs, (kernel, 1, 1), (stride, 1, 1)),
        )


class Mixed(nn.Module):
    """Four branches over the same input, concatenated along the channels."""

    def __init__(self, inputs: int, name: str) -> None:
        super().__init__()
        point, large, small, pooled = BLOCKS[name]
        self.branch0 = ConvUnit(inputs, point)
        self.branch1 = nn.Sequential(ConvUnit(inputs, large[0]), Separable(large[0], large[1], 3))
        self.branch2 = nn.Sequential(ConvUnit(inputs, small[0]), Separable(small[0], small[1], 3))
        self.branch3 = nn.Sequential(nn.MaxPool3d(3, stride=1, padding=1), ConvUnit(inputs, pooled))

    def forward(self, x: Tensor) -> Tensor:
        """Map N C T H W to N C' T H W."""
        return torch.cat([self.branch0(x), self.branch1(x), self.branch2(x), self.branch3(x)], dim=1)


class S3D(nn.Module):
    """Clips N 3 T H W to logits N K, averaged over positions; the native clip has 16x224x224."""

    def __init__(self, classes: int) -> None:
        super().__init__()
        self.features = nn.Sequential(
            Separable(3, 64, 7, 2),
            nn.MaxPool3d((1, 3, 3), (1, 2, 2), (0, 1, 1)),
            ConvUnit(64, 64),
            Separable(64, 192, 3),
            nn.MaxPool3d((1, 3, 3), (1, 2, 2), (0, 1, 1)),
            Mixed(192, "3b"),
            Mixed(256, "3c"),
            nn.MaxPool3d(3, 2, 1),
            Mixed(480, "4b"),
            Mixed(512, "4c"),
            Mixed(512, "4d"),
            Mixed(512, "4e"),
            Mixed(528, "4f"),
            nn.MaxPool3d(2, 2),
            Mixed(832, "5b"),
            Mixed(832, "5c"),
        )
        self.classifier = nn.Sequential(nn.Dropout(0.2), nn.Conv3d(1024, classes, 1))

    def forward(self, x: Tensor) -> Tensor:
        """Map normalised clips N 3 T H W to logits N K, the mean over all positions of the 2x7x7 pool.

        A map smaller than the pool's window has one position, its mean.
        """
        last = self.features(x)
        window = [min(native, size) for native, size in zip(NATIVE_POOL, last.shape[2:], strict=True)]
        positions: Tensor = self.classifier(functional.avg_pool3d(last, window, stride=1))
        return positions.mean(dim=(2, 3, 4))


def build(card: ModelCard) -> nn.Module:
    """Return the untrained network with the card's number of classes."""
    if card.classes is None:
        raise CardError(f"The card of {card.name} must state its number of classes.")
    return S3D(card.classes)
