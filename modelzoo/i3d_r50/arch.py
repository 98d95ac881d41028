"""I3D 8x8 with a ResNet-50 backbone, as in PySlowFast's model zoo (Feichtenhofer et al., ICCV 2019, and its code).

The names are those of facebookresearch/SlowFast; the published file holds Caffe2 blobs, see `KEY_LAYOUTS`.
"""

from __future__ import annotations

import re
from collections import OrderedDict
from collections.abc import Callable
from typing import TYPE_CHECKING, TypeVar

from torch import Tensor, nn
from torch.nn import functional

from reportgen.errors import CardError

if TYPE_CHECKING:
    from reportgen.records.card import ModelCard

T = TypeVar("T")

# Temporal size of convolution `a` in each block of s2 to s5.
TEMPORAL_KERNELS = ((3, 3, 3), (3, 1, 3, 1), (3, 1, 3, 1, 3, 1), (1, 3, 1))
NATIVE_POOL = (4, 7, 7)


class Stem(nn.Module):
    """5x7x7 convolution, batch norm, ReLU and a spatial max pool."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv3d(3, 64, (5, 7, 7), (1, 2, 2), (2, 3, 3), bias=False)
        self.bn = nn.BatchNorm3d(64)
        self.relu = nn.ReLU()
        self.pool_layer = nn.MaxPool3d((1, 3, 3), (1, 2, 2), (0, 1, 1))

    def forward(self, x: Tensor) -> Tensor:
        """Map N 3 T H W to N 64 T H/4 W/4."""
        out: Tensor = self.pool_layer(self.relu(self.bn(self.conv(x))))
        return out


class Transform(nn.Module):
    """The main path of a block: Tx1x1, 1x3x3 (with the spatial stride) and 1x1x1."""

    def __init__(self, inputs: int, inner: int, outputs: int, temporal: int, stride: int) -> None:
        super().__init__()
        self.a = nn.Conv3d(inputs, inner, (temporal, 1, 1), padding=(temporal // 2, 0, 0), bias=False)
        self.a_bn = nn.BatchNorm3d(inner)
        self.a_relu = nn.ReLU()
        self.b = nn.Conv3d(inner, inner, (1, 3, 3), (1, stride, stride), (0, 1, 1), bias=False)
        self.b_bn = nn.BatchNorm3d(inner)
        self.b_relu = nn.ReLU()
        self.c = nn.Conv3d(inner, outputs, 1, bias=False)
        self.c_bn = nn.BatchNorm3d(outputs)

    def forward(self, x: Tensor) -> Tensor:
        """Map N C T H W to N C' T H' W'."""
        x = self.a_relu(self.a_bn(self.a(x)))
        x = self.b_relu(self.b_bn(self.b(x)))
        out: Tensor = self.c_bn(self.c(x))
        return out


class Block(nn.Module):
    """A residual block; its shortcut is a 1x1x1 convolution where the shape changes."""

    def __init__(self, inputs: int, inner: int, outputs: int, temporal: int, stride: int) -> None:
        super().__init__()
        self.projects = inputs != outputs or stride != 1
        if self.projects:
            self.branch1 = nn.Conv3d(inputs, outputs, 1, (1, stride, stride), bias=False)
            self.branch1_bn = nn.BatchNorm3d(outputs)
        self.branch2 = Transform(inputs, inner, outputs, temporal, stride)
        self.relu = nn.ReLU()

    def forward(self, x: Tensor) -> Tensor:
        """Map N C T H W to N C' T H' W'."""
        inner = self.branch2(x)
        shortcut = self.branch1_bn(self.branch1(x)) if self.projects else x
        out: Tensor = self.relu(shortcut + inner)
        return out


class Head(nn.Module):
    """Pooling with the native window at stride 1, and a linear layer."""

    def __init__(self, inputs: int, classes: int) -> None:
        super().__init__()
        self.dropout = nn.Dropout(0.5)
        self.projection = nn.Linear(inputs, classes)

    def pooled(self, x: Tensor) -> Tensor:
        """Return the positions N C T' H' W' of the native window on a map N C T H W.

        A map smaller than the window has one position, its mean.
        """
        window = [min(native, size) for native, size in zip(NATIVE_POOL, x.shape[2:], strict=True)]
        return functional.avg_pool3d(x, window, stride=1)

    def positions(self, x: Tensor) -> Tensor:
        """Return the logits of every position, N T' H' W' K."""
        out: Tensor = self.projection(self.dropout(self.pooled(x).movedim(1, -1)))
        return out

    def forward(self, x: Tensor) -> Tensor:
        """Return the mean logits N K; a linear layer commutes with the mean over positions."""
        logits: Tensor = self.projection(self.dropout(self.pooled(x).mean(dim=(2, 3, 4))))
        return logits


class I3DResNet50(nn.Module):
    """Clips N 3 8 224 224 to logits N K; larger and smaller clips too."""

    def __init__(self, classes: int) -> None:
        super().__init__()
        self.s1 = nn.Sequential(OrderedDict(pathway0_stem=Stem()))
        self.s2 = self._stage(64, 64, TEMPORAL_KERNELS[0], stride=1)
        self.pathway0_pool = nn.MaxPool3d((2, 1, 1))
        self.s3 = self._stage(256, 128, TEMPORAL_KERNELS[1], stride=2)
        self.s4 = self._stage(512, 256, TEMPORAL_KERNELS[2], stride=2)
        self.s5 = self._stage(1024, 512, TEMPORAL_KERNELS[3], stride=2)
        self.head = Head(2048, classes)

    @staticmethod
    def _stage(inputs: int, inner: int, kernels: tuple[int, ...], stride: int) -> nn.Sequential:
        outputs = 4 * inner
        blocks = OrderedDict[str, nn.Module]()
        for index, temporal in enumerate(kernels):
            first = index == 0
            block = Block(inputs if first else outputs, inner, outputs, temporal, stride if first else 1)
            blocks[f"pathway0_res{index}"] = block
        return nn.Sequential(blocks)

    def features(self, x: Tensor) -> Tensor:
        """Map clips N 3 T H W to the last map, N 2048 T/2 H/32 W/32."""
        x = self.pathway0_pool(self.s2(self.s1(x)))
        out: Tensor = self.s5(self.s4(self.s3(x)))
        return out

    def position_logits(self, x: Tensor) -> Tensor:
        """Return the logits of every position of the native window, N T' H' W' K.

        The published test-time score is the mean of their softmaxes.
        """
        return self.head.positions(self.features(x))

    def forward(self, x: Tensor) -> Tensor:
        """Map normalised clips N 3 T H W to logits N K, the mean over positions."""
        logits: Tensor = self.head(self.features(x))
        return logits


_SUFFIX = {"w": "weight", "b": "bias", "bn_s": "weight", "bn_b": "bias", "bn_rm": "running_mean"}
# The suffix reads like an inverse, but the blob holds the variance itself.
_SUFFIX["bn_riv"] = "running_var"
_RESIDUAL = re.compile(r"res(\d)_(\d+)_branch(?:(1)|2([abc]))_(w|bn_s|bn_b|bn_rm|bn_riv)")
_STEM = re.compile(r"res_conv1_(bn_s|bn_b|bn_rm|bn_riv)")


def _caffe2_name(blob: str) -> str:
    """Return our name of a Caffe2 blob, or the blob's own name where there is none."""
    fixed = {"conv1_w": "s1.pathway0_stem.conv.weight", "pred_w": "head.projection.weight"}
    fixed["pred_b"] = "head.projection.bias"
    if blob in fixed:
        return fixed[blob]
    if stem := _STEM.fullmatch(blob):
        return f"s1.pathway0_stem.bn.{_SUFFIX[stem[1]]}"
    if part := _RESIDUAL.fullmatch(blob):
        stage, index, shortcut, letter, suffix = part.groups()
        layer = "branch1" if shortcut else f"branch2.{letter}"
        norm = "_bn" if suffix.startswith("bn") else ""
        return f"s{stage}.pathway0_res{index}.{layer}{norm}.{_SUFFIX[suffix]}"
    return blob


def from_caffe2(blobs: dict[str, T]) -> dict[str, T]:
    """Return the entries under our names; what belongs to the optimiser (momentum, rate, step) is left out."""
    of_training = ("lr", "model_iter")
    return {
        _caffe2_name(blob): value
        for blob, value in blobs.items()
        if blob not in of_training and not blob.endswith("_momentum")
    }


KEY_LAYOUTS: dict[str, Callable[[dict[str, Tensor]], dict[str, Tensor]]] = {"caffe2": from_caffe2}


def build(card: ModelCard) -> nn.Module:
    """Return the untrained network with the card's number of classes."""
    if card.classes is None:
        raise CardError(f"The card of {card.name} must state its number of classes.")
    return I3DResNet50(card.classes)
