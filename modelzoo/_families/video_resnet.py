"""Video ResNets of depth 18: R3D, MC3 and R(2+1)D (Tran et al., CVPR 2018), under torchvision's names.

`[architecture.arguments]` of a card: `kind` ("r3d": 3x3x3 everywhere; "mc3": 3x3x3 in layer 1, 1x3x3 after;
"r2plus1d": each 3x3x3 as a 1x3x3, batch norm, ReLU and a 3x1x1).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from torch import Tensor, nn

from reportgen.errors import CardError

if TYPE_CHECKING:
    from reportgen.records.card import ModelCard

KINDS = {
    "r3d": ("volume", "volume", "volume", "volume"),
    "mc3": ("volume", "plane", "plane", "plane"),
    "r2plus1d": ("factored", "factored", "factored", "factored"),
}
WIDTHS = (64, 128, 256, 512)


def _convolution(shape: str, inputs: int, outputs: int, stride: int, inner: int) -> nn.Module:
    """Return the convolution of a block: `volume` 3x3x3, `plane` 1x3x3, `factored` 1x3x3 to `inner` channels, 3x1x1."""
    if shape == "volume":
        return nn.Conv3d(inputs, outputs, 3, stride, 1, bias=False)
    plane = (1, 3, 3), (1, stride, stride), (0, 1, 1)
    if shape == "plane":
        return nn.Conv3d(inputs, outputs, *plane, bias=False)
    return nn.Sequential(
        nn.Conv3d(inputs, inner, *plane, bias=False),
        nn.BatchNorm3d(inner),
        nn.ReLU(),
        nn.Conv3d(inner, outputs, (3, 1, 1), (stride, 1, 1), (1, 0, 0), bias=False),
    )


class Block(nn.Module):
    """Two convolutions and a shortcut, which is a 1x1x1 convolution where the shape changes."""

    def __init__(self, shape: str, inputs: int, outputs: int, stride: int) -> None:
        super().__init__()
        # As many weights as the 3x3x3 convolution would have (Tran et al., section 3.5).
        inner = (inputs * outputs * 27) // (inputs * 9 + 3 * outputs)
        first = _convolution(shape, inputs, outputs, stride, inner)
        second = _convolution(shape, outputs, outputs, 1, inner)
        self.conv1 = nn.Sequential(first, nn.BatchNorm3d(outputs), nn.ReLU())
        self.conv2 = nn.Sequential(second, nn.BatchNorm3d(outputs))
        self.downsample: nn.Module | None = None
        if stride != 1 or inputs != outputs:
            steps = (1 if shape == "plane" else stride, stride, stride)
            self.downsample = nn.Sequential(nn.Conv3d(inputs, outputs, 1, steps, bias=False), nn.BatchNorm3d(outputs))
        self.relu = nn.ReLU()

    def forward(self, x: Tensor) -> Tensor:
        """Map N C T H W to N C' T' H' W'."""
        inner = self.conv2(self.conv1(x))
        out: Tensor = self.relu(inner + (x if self.downsample is None else self.downsample(x)))
        return out


def _stem(kind: str) -> nn.Sequential:
    if kind == "r2plus1d":
        return nn.Sequential(
            nn.Conv3d(3, 45, (1, 7, 7), (1, 2, 2), (0, 3, 3), bias=False),
            nn.BatchNorm3d(45),
            nn.ReLU(),
            nn.Conv3d(45, 64, (3, 1, 1), 1, (1, 0, 0), bias=False),
            nn.BatchNorm3d(64),
            nn.ReLU(),
        )
    stem = nn.Conv3d(3, 64, (3, 7, 7), (1, 2, 2), (1, 3, 3), bias=False)
    return nn.Sequential(stem, nn.BatchNorm3d(64), nn.ReLU())


class VideoResNet18(nn.Module):
    """Clips N 3 T H W of any size to logits N K; the native clip has 16x112x112."""

    def __init__(self, kind: str, classes: int) -> None:
        super().__init__()
        self.stem = _stem(kind)
        inputs = 64
        for index, (shape, outputs) in enumerate(zip(KINDS[kind], WIDTHS, strict=True)):
            first = Block(shape, inputs, outputs, stride=2 if index else 1)
            self.add_module(f"layer{index + 1}", nn.Sequential(first, Block(shape, outputs, outputs, stride=1)))
            inputs = outputs
        self.avgpool = nn.AdaptiveAvgPool3d(1)
        self.fc = nn.Linear(inputs, classes)

    def forward(self, x: Tensor) -> Tensor:
        """Map normalised clips N 3 T H W to logits N K."""
        x = self.stem(x)
        for index in range(1, 5):
            x = self.get_submodule(f"layer{index}")(x)
        logits: Tensor = self.fc(self.avgpool(x).flatten(1))
        return logits


def build(card: ModelCard) -> nn.Module:
    """Return the untrained member of the family that the card's arguments name."""
    if card.classes is None:
        raise CardError(f"The card of {card.name} must state its number of classes.")
    kind = card.architecture.arguments.get("kind")
    if kind not in KINDS:
        raise CardError(f"The card of {card.name} must give kind as one of {', '.join(KINDS)}.")
    return VideoResNet18(kind, card.classes)
