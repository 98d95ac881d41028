"""Two-stream Inflated 3D ConvNet, RGB stream: Inception-v1 in three dimensions (Carreira & Zisserman, CVPR 2017).

The names are those of the port hassony2/kinetics_i3d_pytorch; the port piergiaj/pytorch-i3d spells them otherwise, see
`KEY_LAYOUTS`. Padding is TensorFlow's 'SAME', computed from the size at run time along all three axes. (hassony2
computes it along time only; the two agree where height and width are multiples of 32.)
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import TYPE_CHECKING, TypeVar

import torch
from torch import Tensor, nn
from torch.nn import functional

from reportgen.errors import CardError

if TYPE_CHECKING:
    from reportgen.records.card import ModelCard

T = TypeVar("T")
Triple = tuple[int, int, int]

# Output channels of the branches of each block: 1x1x1; 1x1x1 then 3x3x3; 1x1x1 then 3x3x3; pool then 1x1x1.
BLOCKS: dict[str, tuple[int, tuple[int, int], tuple[int, int], int]] = {
    "mixed_3b": (64, (96, 128), (16, 32), 32),
    "mixed_3c": (128, (128, 192), (32, 96), 64),
    "mixed_4b": (192, (96, 208), (16, 48), 64),
    "mixed_4c": (160, (112, 224), (24, 64), 64),
    "mixed_4d": (128, (128, 256), (24, 64), 64),
    "mixed_4e": (112, (144, 288), (32, 64), 64),
    "mixed_4f": (256, (160, 320), (32, 128), 128),
    "mixed_5b": (256, (160, 320), (32, 128), 128),
    "mixed_5c": (384, (192, 384), (48, 128), 128),
}
NATIVE_POOL = (2, 7, 7)
# TensorFlow's default; PyTorch's own default of 1e-5 is another network.
EPSILON = 1e-3


def same_padding(size: int, kernel: int, stride: int) -> tuple[int, int]:
    """Return what 'SAME' adds in front and behind: the smaller half in front."""
    total = max(kernel - (size % stride or stride), 0)
    return total // 2, total - total // 2


class SamePad(nn.Module):
    """Zeros around a map so that a strided window covers all of it."""

    def __init__(self, kernel: Triple, stride: Triple) -> None:
        super().__init__()
        self.kernel = kernel
        self.stride = stride

    def forward(self, x: Tensor) -> Tensor:
        """Map N C T H W to the padded map."""
        pairs = [
            same_padding(size, kernel, stride)
            for size, kernel, stride in zip(x.shape[2:], self.kernel, self.stride, strict=True)
        ]
        return functional.pad(x, [amount for pair in reversed(pairs) for amount in pair])


class SamePool(nn.Module):
    """Strided max pool with 'SAME' padding; zeros serve as padding, since its input follows a ReLU."""

    def __init__(self, kernel: Triple, stride: Triple) -> None:
        super().__init__()
        self.pad = SamePad(kernel, stride)
        self.pool = nn.MaxPool3d(kernel, stride)

    def forward(self, x: Tensor) -> Tensor:
        """Map N C T H W to N C T' H' W'."""
        out: Tensor = self.pool(self.pad(x))
        return out


class Unit(nn.Module):
    """Convolution, batch norm, ReLU, at stride 1."""

    def __init__(self, inputs: int, outputs: int, kernel: int) -> None:
        super().__init__()
        self.conv3d = nn.Conv3d(inputs, outputs, kernel, padding=kernel // 2, bias=False)
        self.batch3d = nn.BatchNorm3d(outputs, eps=EPSILON)
        self.relu = nn.ReLU()

    def forward(self, x: Tensor) -> Tensor:
        """Map N C T H W to N C' T H W."""
        out: Tensor = self.relu(self.batch3d(self.conv3d(x)))
        return out


class Stem(nn.Module):
    """The first convolution: 7x7x7 at stride 2, padded at run time."""

    def __init__(self, inputs: int) -> None:
        super().__init__()
        self.pad = SamePad((7, 7, 7), (2, 2, 2))
        self.conv3d = nn.Conv3d(inputs, 64, 7, stride=2, bias=False)
        self.batch3d = nn.BatchNorm3d(64, eps=EPSILON)
        self.relu = nn.ReLU()

    def forward(self, x: Tensor) -> Tensor:
        """Map N C T H W to N 64 T/2 H/2 W/2."""
        out: Tensor = self.relu(self.batch3d(self.conv3d(self.pad(x))))
        return out


class Mixed(nn.Module):
    """Four branches over the same input, concatenated along the channels."""

    def __init__(self, inputs: int, name: str) -> None:
        super().__init__()
        point, large, small, pooled = BLOCKS[name]
        self.outputs = point + large[1] + small[1] + pooled
        self.branch_0 = Unit(inputs, point, 1)
        self.branch_1 = nn.Sequential(Unit(inputs, large[0], 1), Unit(large[0], large[1], 3))
        self.branch_2 = nn.Sequential(Unit(inputs, small[0], 1), Unit(small[0], small[1], 3))
        self.branch_3 = nn.Sequential(nn.MaxPool3d(3, stride=1, padding=1), Unit(inputs, pooled, 1))

    def forward(self, x: Tensor) -> Tensor:
        """Map N C T H W to N C' T H W."""
        return torch.cat([self.branch_0(x), self.branch_1(x), self.branch_2(x), self.branch_3(x)], dim=1)


class Logits(nn.Module):
    """The classifier: a 1x1x1 convolution with a bias, without batch norm or ReLU."""

    def __init__(self, classes: int) -> None:
        super().__init__()
        self.conv3d = nn.Conv3d(1024, classes, 1)

    def forward(self, x: Tensor) -> Tensor:
        """Map N 1024 T H W to N K T H W."""
        out: Tensor = self.conv3d(x)
        return out


class I3DInception(nn.Module):
    """Clips N 3 64 224 224 in [-1, 1] to logits N K; shorter, longer, smaller and larger clips too."""

    def __init__(self, classes: int, inputs: int = 3) -> None:
        super().__init__()
        self.conv3d_1a_7x7 = Stem(inputs)
        self.max_pool_2a = SamePool((1, 3, 3), (1, 2, 2))
        self.conv3d_2b_1x1 = Unit(64, 64, 1)
        self.conv3d_2c_3x3 = Unit(64, 192, 3)
        self.max_pool_3a = SamePool((1, 3, 3), (1, 2, 2))
        self.mixed_3b = Mixed(192, "mixed_3b")
        self.mixed_3c = Mixed(self.mixed_3b.outputs, "mixed_3c")
        self.max_pool_4a = SamePool((3, 3, 3), (2, 2, 2))
        self.mixed_4b = Mixed(self.mixed_3c.outputs, "mixed_4b")
        self.mixed_4c = Mixed(self.mixed_4b.outputs, "mixed_4c")
        self.mixed_4d = Mixed(self.mixed_4c.outputs, "mixed_4d")
        self.mixed_4e = Mixed(self.mixed_4d.outputs, "mixed_4e")
        self.mixed_4f = Mixed(self.mixed_4e.outputs, "mixed_4f")
        self.max_pool_5a = SamePool((2, 2, 2), (2, 2, 2))
        self.mixed_5b = Mixed(self.mixed_4f.outputs, "mixed_5b")
        self.mixed_5c = Mixed(self.mixed_5b.outputs, "mixed_5c")
        self.conv3d_0c_1x1 = Logits(classes)

    def features(self, x: Tensor) -> Tensor:
        """Map clips N 3 T H W to the last map, N 1024 T/8 H/32 W/32."""
        x = self.max_pool_2a(self.conv3d_1a_7x7(x))
        x = self.max_pool_3a(self.conv3d_2c_3x3(self.conv3d_2b_1x1(x)))
        x = self.max_pool_4a(self.mixed_3c(self.mixed_3b(x)))
        x = self.mixed_4d(self.mixed_4c(self.mixed_4b(x)))
        x = self.max_pool_5a(self.mixed_4f(self.mixed_4e(x)))
        out: Tensor = self.mixed_5c(self.mixed_5b(x))
        return out

    def forward(self, x: Tensor) -> Tensor:
        """Map normalised clips N 3 T H W to logits N K, the mean over all positions of the 2x7x7 pool.

        A map smaller than the pool's window has one position, its mean.
        """
        last = self.features(x)
        window = [min(native, size) for native, size in zip(NATIVE_POOL, last.shape[2:], strict=True)]
        positions: Tensor = self.conv3d_0c_1x1(functional.avg_pool3d(last, window, stride=1))
        return positions.mean(dim=(2, 3, 4))


_BRANCHES = {
    "b0": "branch_0",
    "b1a": "branch_1.0",
    "b1b": "branch_1.1",
    "b2a": "branch_2.0",
    "b2b": "branch_2.1",
    "b3b": "branch_3.1",
}
_PIERGIAJ = re.compile(r"(Conv3d_\w+|Mixed_\w+?|logits)\.(?:(b0|b1a|b1b|b2a|b2b|b3b)\.)?(conv3d|bn)\.(\w+)")


def _from_piergiaj_name(name: str) -> str:
    """Return our name of an entry of piergiaj/pytorch-i3d, or its own name where there is none."""
    part = _PIERGIAJ.fullmatch(name)
    if part is None:
        return name
    layer, branch, kind, entry = part.groups()
    layer = "conv3d_0c_1x1" if layer == "logits" else layer[0].lower() + layer[1:]
    path = [layer, _BRANCHES[branch]] if branch else [layer]
    return ".".join([*path, "batch3d" if kind == "bn" else kind, entry])


def from_piergiaj(state: dict[str, T]) -> dict[str, T]:
    """Return the entries of a piergiaj/pytorch-i3d state dict under our names."""
    return {_from_piergiaj_name(name): value for name, value in state.items()}


KEY_LAYOUTS: dict[str, Callable[[dict[str, Tensor]], dict[str, Tensor]]] = {"piergiaj": from_piergiaj}


def build(card: ModelCard) -> nn.Module:
    """Return the untrained network with the card's number of classes and channels."""
    if card.classes is None:
        raise CardError(f"The card of {card.name} must state its number of classes.")
    return I3DInception(card.classes, card.clip.channels)
