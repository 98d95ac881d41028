"""TransNet V2 (Soucek & Lokoc 2020), under the names of its PyTorch weights.

Two logits a frame tell a shot boundary: from dilated separable convolutions over small frames, and from how alike the
frame is to its neighbours, by the maps of the convolutions and by its colours.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn
from torch.nn import functional

from reportgen.errors import NetworkError

if TYPE_CHECKING:
    from reportgen.records.card import ModelCard

WIDTHS = (16, 32, 64)
DILATIONS = (1, 2, 4, 8)
FRAME = (27, 48)
NEIGHBOURS = 101
"""Frames that each is compared with, itself in their middle."""
COMPARED = 128
HIDDEN = 1024
_BITS = 3
"""Of each colour's eight bits, those that the histogram tells apart."""


class Separable(nn.Module):
    """A 3x3 convolution in space, and a dilated one of three taps in time."""

    def __init__(self, inputs: int, width: int, dilation: int) -> None:
        super().__init__()
        space = nn.Conv3d(inputs, 2 * width, (1, 3, 3), padding=(0, 1, 1), bias=False)
        time = nn.Conv3d(2 * width, width, (3, 1, 1), dilation=(dilation, 1, 1), padding=(dilation, 0, 0), bias=False)
        self.layers = nn.ModuleList([space, time])

    def forward(self, x: Tensor) -> Tensor:
        """Map N C T H W to N width T H W."""
        for layer in self.layers:
            x = layer(x)
        return x


class Dilated(nn.Module):
    """Four separable convolutions of different dilation side by side, and a batch norm over all of them."""

    def __init__(self, inputs: int, width: int) -> None:
        super().__init__()
        for dilation in DILATIONS:
            self.add_module(f"Conv3D_{dilation}", Separable(inputs, width, dilation))
        self.bn = nn.BatchNorm3d(len(DILATIONS) * width, eps=1e-3)
        self.relu = nn.ReLU()

    def forward(self, x: Tensor) -> Tensor:
        """Map N C T H W to N (4 width) T H W."""
        branches = [self.get_submodule(f"Conv3D_{dilation}")(x) for dilation in DILATIONS]
        rectified: Tensor = self.relu(self.bn(torch.cat(branches, 1)))
        return rectified


class Stack(nn.Module):
    """Two dilated blocks, the first one added to the second; frames are halved at the end."""

    def __init__(self, inputs: int, width: int) -> None:
        super().__init__()
        self.DDCNN = nn.ModuleList([Dilated(inputs, width), Dilated(len(DILATIONS) * width, width)])
        self.pool = nn.AvgPool3d((1, 2, 2))

    def forward(self, x: Tensor) -> Tensor:
        """Map N C T H W to N (4 width) T H/2 W/2."""
        first = self.DDCNN[0](x)
        halved: Tensor = self.pool(self.DDCNN[1](first) + first)
        return halved


def neighbours(features: Tensor) -> Tensor:
    """Return how alike each frame's features N T C are to those of the frames around it: cosines N T 101.

    Beyond the ends they are 0.
    """
    unit = functional.normalize(features, dim=2)
    alike = functional.pad(unit @ unit.transpose(1, 2), (NEIGHBOURS // 2, NEIGHBOURS // 2))
    frames = features.shape[1]
    places = torch.arange(frames, device=features.device)[:, None] + torch.arange(NEIGHBOURS, device=features.device)
    return alike.gather(2, places.expand(len(features), -1, -1))


class FrameSimilarity(nn.Module):
    """How alike the maps of neighbouring frames are."""

    def __init__(self, inputs: int) -> None:
        super().__init__()
        self.projection = nn.Linear(inputs, COMPARED)
        self.fc = nn.Linear(NEIGHBOURS, COMPARED)
        self.relu = nn.ReLU()

    def forward(self, maps: list[Tensor]) -> Tensor:
        """Map each stack's N C T H W to N T 128."""
        means = torch.cat([one.mean((3, 4)) for one in maps], 1).transpose(1, 2)
        found: Tensor = self.relu(self.fc(neighbours(self.projection(means))))
        return found


class ColorHistograms(nn.Module):
    """How alike the colours of neighbouring frames are; no gradient leads through their counts."""

    def __init__(self) -> None:
        super().__init__()
        self.fc = nn.Linear(NEIGHBOURS, COMPARED)
        self.relu = nn.ReLU()

    def forward(self, clip: Tensor) -> Tensor:
        """Map N 3 T H W in [0, 255] to N T 128."""
        levels = clip.detach().round().clamp(0, 255).long() >> (8 - _BITS)
        bins = ((levels[:, 0] << (2 * _BITS)) + (levels[:, 1] << _BITS) + levels[:, 2]).flatten(2)
        counts = clip.new_zeros((*bins.shape[:2], 1 << (3 * _BITS))).scatter_add(2, bins, clip.new_ones(bins.shape))
        found: Tensor = self.relu(self.fc(neighbours(counts)))
        return found


class TransNetV2(nn.Module):
    """Clips N 3 T 27 48 in [0, 255] to logits N T 1 of a boundary's middle frame, and of any frame of a transition."""

    def __init__(self) -> None:
        super().__init__()
        joined = len(DILATIONS)
        inputs = (3, *(joined * width for width in WIDTHS))
        self.SDDCNN = nn.ModuleList(Stack(*pair) for pair in zip(inputs, WIDTHS, strict=False))
        self.frame_sim_layer = FrameSimilarity(sum(inputs[1:]))
        self.color_hist_layer = ColorHistograms()
        places = (FRAME[0] >> len(WIDTHS)) * (FRAME[1] >> len(WIDTHS))
        self.fc1 = nn.Linear(inputs[-1] * places + 2 * COMPARED, HIDDEN)
        self.relu = nn.ReLU()
        self.dropout = nn.Dropout(0.5)
        self.cls_layer1 = nn.Linear(HIDDEN, 1)
        self.cls_layer2 = nn.Linear(HIDDEN, 1)

    def forward(self, clip: Tensor) -> tuple[Tensor, dict[str, Tensor]]:
        """Return both logits N T 1, as the published network does; raises NetworkError for frames of another size."""
        if tuple(clip.shape[3:]) != FRAME:
            height, width = FRAME
            raise NetworkError(f"TransNet V2 takes frames of {height}x{width} px, got {clip.shape[3]}x{clip.shape[4]}.")
        x, maps = clip / 255, []
        for stack in self.SDDCNN:
            x = stack(x)
            maps.append(x)
        places = x.permute(0, 2, 3, 4, 1).flatten(2)
        known = torch.cat([self.color_hist_layer(clip), self.frame_sim_layer(maps), places], 2)
        hidden = self.dropout(self.relu(self.fc1(known)))
        return self.cls_layer1(hidden), {"many_hot": self.cls_layer2(hidden)}


def build(card: ModelCard) -> nn.Module:  # noqa: ARG001 (there is one TransNet V2)
    """Return the untrained network."""
    return TransNetV2()
