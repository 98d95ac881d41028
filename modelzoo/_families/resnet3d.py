"""3D ResNets and ResNeXts (Hara, Kataoka & Satoh, CVPR 2018), under the names of kenshohara/3D-ResNets-PyTorch.

`[architecture.arguments]` of a card: `depth` (18, 34, 50, 101, 152, 200), `shortcut` ("A": zero-padded channels without
parameters; "B": 1x1x1 convolution) and `cardinality` (0: ResNet; 32: ResNeXt).

Conventions of all definitions: `build(card)` returns the untrained network; a file whose weights are also published
under other names says so in `KEY_LAYOUTS` (see the zoo's README.md). Here none is needed: the layout of 2018 and the
newer one have the same names and shapes; they differ in preprocessing and in the shortcuts of depth 18 and 34, so they
have cards of their own.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from torch import Tensor, nn
from torch.nn import functional

from reportgen.errors import CardError

if TYPE_CHECKING:
    from reportgen.records.card import ModelCard

DEPTHS = {
    18: (2, 2, 2, 2),
    34: (3, 4, 6, 3),
    50: (3, 4, 6, 3),
    101: (3, 4, 23, 3),
    152: (3, 8, 36, 3),
    200: (3, 24, 36, 3),
}


class Width(NamedTuple):
    """Channels of one layer's blocks: within, at the end, and the number of groups of the 3x3x3 convolution."""

    inner: int
    outputs: int
    groups: int = 1


class PaddedShortcut(nn.Module):
    """Shortcut A: every `stride`th position, and zeros for the channels that are new.

    Upstream detaches this path from the gradient; here the gradient flows, the output is the same.
    """

    def __init__(self, inputs: int, outputs: int, stride: int) -> None:
        super().__init__()
        self.extra = outputs - inputs
        self.stride = stride

    def forward(self, x: Tensor) -> Tensor:
        """Map N C T H W to N C' T/s H/s W/s."""
        step = self.stride
        return functional.pad(x[:, :, ::step, ::step, ::step], (0, 0, 0, 0, 0, 0, 0, self.extra))


def _shortcut(kind: str, inputs: int, outputs: int, stride: int) -> nn.Module:
    if kind == "A":
        return PaddedShortcut(inputs, outputs, stride)
    return nn.Sequential(nn.Conv3d(inputs, outputs, 1, stride, bias=False), nn.BatchNorm3d(outputs))


class BasicBlock(nn.Module):
    """Two 3x3x3 convolutions and a shortcut."""

    def __init__(self, inputs: int, width: Width, stride: int, shortcut: nn.Module | None) -> None:
        super().__init__()
        self.conv1 = nn.Conv3d(inputs, width.inner, 3, stride, 1, bias=False)
        self.bn1 = nn.BatchNorm3d(width.inner)
        self.relu1 = nn.ReLU()
        self.conv2 = nn.Conv3d(width.inner, width.outputs, 3, 1, 1, bias=False)
        self.bn2 = nn.BatchNorm3d(width.outputs)
        self.downsample = shortcut
        self.relu2 = nn.ReLU()

    def forward(self, x: Tensor) -> Tensor:
        """Map N C T H W to N C' T' H' W'."""
        inner = self.bn2(self.conv2(self.relu1(self.bn1(self.conv1(x)))))
        out: Tensor = self.relu2(inner + (x if self.downsample is None else self.downsample(x)))
        return out


class Bottleneck(nn.Module):
    """1x1x1, 3x3x3 (strided, grouped in a ResNeXt), 1x1x1, and a shortcut."""

    def __init__(self, inputs: int, width: Width, stride: int, shortcut: nn.Module | None) -> None:
        super().__init__()
        self.conv1 = nn.Conv3d(inputs, width.inner, 1, bias=False)
        self.bn1 = nn.BatchNorm3d(width.inner)
        self.relu1 = nn.ReLU()
        self.conv2 = nn.Conv3d(width.inner, width.inner, 3, stride, 1, groups=width.groups, bias=False)
        self.bn2 = nn.BatchNorm3d(width.inner)
        self.relu2 = nn.ReLU()
        self.conv3 = nn.Conv3d(width.inner, width.outputs, 1, bias=False)
        self.bn3 = nn.BatchNorm3d(width.outputs)
        self.downsample = shortcut
        self.relu3 = nn.ReLU()

    def forward(self, x: Tensor) -> Tensor:
        """Map N C T H W to N C' T' H' W'."""
        inner = self.relu1(self.bn1(self.conv1(x)))
        inner = self.relu2(self.bn2(self.conv2(inner)))
        inner = self.bn3(self.conv3(inner))
        out: Tensor = self.relu3(inner + (x if self.downsample is None else self.downsample(x)))
        return out


class ResNet3D(nn.Module):
    """Clips N 3 T H W to logits N K; the native clip has 16x112x112.

    Upstream's classic pool has a fixed window that equals the last map at the native size; this one is adaptive, so
    that other sizes work too.
    """

    def __init__(self, depth: int, shortcut: str, cardinality: int, classes: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv3d(3, 64, 7, (1, 2, 2), 3, bias=False)
        self.bn1 = nn.BatchNorm3d(64)
        self.relu = nn.ReLU()
        self.maxpool = nn.MaxPool3d(3, 2, 1)
        block: type[BasicBlock] | type[Bottleneck] = BasicBlock if depth < 50 else Bottleneck
        inputs = 64
        for index, blocks in enumerate(DEPTHS[depth]):
            width = _width(block, index, cardinality)
            layers: list[nn.Module] = []
            for position in range(blocks):
                stride = 2 if index and position == 0 else 1
                reshapes = stride != 1 or inputs != width.outputs
                path = _shortcut(shortcut, inputs, width.outputs, stride) if reshapes else None
                layers.append(block(inputs, width, stride, path))
                inputs = width.outputs
            self.add_module(f"layer{index + 1}", nn.Sequential(*layers))
        self.avgpool = nn.AdaptiveAvgPool3d(1)
        self.fc = nn.Linear(inputs, classes)

    def forward(self, x: Tensor) -> Tensor:
        """Map normalised clips N 3 T H W to logits N K."""
        x = self.maxpool(self.relu(self.bn1(self.conv1(x))))
        for index in range(1, 5):
            x = self.get_submodule(f"layer{index}")(x)
        logits: Tensor = self.fc(self.avgpool(x).flatten(1))
        return logits


def _width(block: type[BasicBlock] | type[Bottleneck], index: int, cardinality: int) -> Width:
    """Return the channels of layer 1 + `index`."""
    base = 64 * 2**index
    if block is BasicBlock:
        return Width(base, base)
    if cardinality:
        # 4 channels a group in layer 1 (cardinality * 128 / 32 in all), half as many outputs as a ResNet's factor.
        return Width(cardinality * 2 * base // 32, 4 * base, cardinality)
    return Width(base, 4 * base)


def build(card: ModelCard) -> nn.Module:
    """Return the untrained member of the family that the card's arguments name."""
    if card.classes is None:
        raise CardError(f"The card of {card.name} must state its number of classes.")
    arguments = {"shortcut": "B", "cardinality": 0, **card.architecture.arguments}
    depth, shortcut, cardinality = arguments.get("depth"), arguments["shortcut"], arguments["cardinality"]
    if depth not in DEPTHS or shortcut not in ("A", "B"):
        depths = ", ".join(map(str, DEPTHS))
        raise CardError(f"The card of {card.name} must give a depth of {depths} and shortcut A or B.")
    if cardinality and depth < 50:
        raise CardError(f"The card of {card.name} asks for a ResNeXt of depth {depth}; the least is 50.")
    return ResNet3D(depth, shortcut, cardinality, card.classes)
