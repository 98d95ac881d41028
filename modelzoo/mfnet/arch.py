"""MFNet-3D: multi-fiber network (Chen et al., ECCV 2018), under the names of cypw/PyTorch-MFNet.

Sixteen fibers (groups) run side by side; a multiplexer of two dense 1x1x1 convolutions lets them exchange before each
unit. Units are pre-activated: batch norm, ReLU, convolution.
"""

from __future__ import annotations

from collections import OrderedDict
from typing import TYPE_CHECKING

from torch import Tensor, nn

from reportgen.errors import CardError

if TYPE_CHECKING:
    from reportgen.records.card import ModelCard

Triple = tuple[int, int, int]

FIBERS = 16
# Units, channels and first stride of conv2 to conv5.
STAGES: tuple[tuple[int, int, Triple], ...] = (
    (3, 96, (2, 1, 1)),
    (4, 192, (1, 2, 2)),
    (6, 384, (1, 2, 2)),
    (3, 768, (1, 2, 2)),
)


class PreActivated(nn.Module):
    """Batch norm, ReLU, convolution."""

    def __init__(self, inputs: int, outputs: int, kernel: Triple, stride: Triple = (1, 1, 1), groups: int = 1) -> None:
        super().__init__()
        padding = (kernel[0] // 2, kernel[1] // 2, kernel[2] // 2)
        self.bn = nn.BatchNorm3d(inputs)
        self.relu = nn.ReLU()
        self.conv = nn.Conv3d(inputs, outputs, kernel, stride, padding, groups=groups, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        """Map N C T H W to N C' T' H' W'."""
        out: Tensor = self.conv(self.relu(self.bn(x)))
        return out


class MultiFiberUnit(nn.Module):
    """Multiplexer, two grouped convolutions, and a shortcut from the unit's own input.

    The first unit of a stage has a dense 1x1x1 convolution in place of the second grouped one.
    """

    def __init__(self, inputs: int, outputs: int, stride: Triple, first: bool) -> None:
        super().__init__()
        point, plane, volume = (1, 1, 1), (1, 3, 3), (3, 3, 3)
        self.conv_i1 = PreActivated(inputs, outputs // 4, point)
        self.conv_i2 = PreActivated(outputs // 4, inputs, point)
        self.conv_m1 = PreActivated(inputs, outputs, volume, stride, FIBERS)
        self.conv_m2 = PreActivated(outputs, outputs, point if first else plane, groups=1 if first else FIBERS)
        self.conv_w1 = PreActivated(inputs, outputs, point, stride) if first else None

    def forward(self, x: Tensor) -> Tensor:
        """Map N C T H W to N C' T' H' W'."""
        multiplexed = x + self.conv_i2(self.conv_i1(x))
        main = self.conv_m2(self.conv_m1(multiplexed))
        out: Tensor = main + (x if self.conv_w1 is None else self.conv_w1(x))
        return out


class MFNet3D(nn.Module):
    """Clips N 3 16 224 224 to logits N K.

    Upstream asserts 16 frames and pools with a fixed 8x7x7 window; this pool is adaptive, so that other sizes work too.
    """

    def __init__(self, classes: int) -> None:
        super().__init__()
        self.conv1 = nn.Sequential(
            OrderedDict[str, nn.Module](
                conv=nn.Conv3d(3, 16, (3, 5, 5), (1, 2, 2), (1, 2, 2), bias=False),
                bn=nn.BatchNorm3d(16),
                relu=nn.ReLU(),
            )
        )
        self.maxpool = nn.MaxPool3d((1, 3, 3), (1, 2, 2), (0, 1, 1))
        inputs = 16
        for index, (units, outputs, stride) in enumerate(STAGES):
            stage = OrderedDict[str, nn.Module]()
            for unit in range(units):
                first = unit == 0
                stage[f"B{unit + 1:02d}"] = MultiFiberUnit(inputs, outputs, stride if first else (1, 1, 1), first)
                inputs = outputs
            self.add_module(f"conv{index + 2}", nn.Sequential(stage))
        self.tail = nn.Sequential(OrderedDict[str, nn.Module](bn=nn.BatchNorm3d(inputs), relu=nn.ReLU()))
        self.globalpool = nn.AdaptiveAvgPool3d(1)
        self.classifier = nn.Linear(inputs, classes)

    def forward(self, x: Tensor) -> Tensor:
        """Map normalised clips N 3 T H W to logits N K."""
        x = self.maxpool(self.conv1(x))
        for index in range(2, 6):
            x = self.get_submodule(f"conv{index}")(x)
        logits: Tensor = self.classifier(self.globalpool(self.tail(x)).flatten(1))
        return logits


def build(card: ModelCard) -> nn.Module:
    """Return the untrained network with the card's number of classes."""
    if card.classes is None:
        raise CardError(f"The card of {card.name} must state its number of classes.")
    return MFNet3D(card.classes)
