"""FlowNetS, with and without batch norm (Fischer et al., ICCV 2015), under the names of ClementPinard/FlowNetPytorch.

`[architecture.arguments]` of a card: `batch_norm` (true or false).

In: two frames stacked along the channels, N 6 H W. Out: the flow from the first to the second at a quarter of the size,
N 2 H/4 W/4, in units of 20 px; channel 0 is horizontal.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

if TYPE_CHECKING:
    from reportgen.records.card import ModelCard

# Encoder: name, input channels, output channels, kernel, stride.
ENCODER = (
    ("conv1", 6, 64, 7, 2),
    ("conv2", 64, 128, 5, 2),
    ("conv3", 128, 256, 5, 2),
    ("conv3_1", 256, 256, 3, 1),
    ("conv4", 256, 512, 3, 2),
    ("conv4_1", 512, 512, 3, 1),
    ("conv5", 512, 512, 3, 2),
    ("conv5_1", 512, 512, 3, 1),
    ("conv6", 512, 1024, 3, 2),
    ("conv6_1", 1024, 1024, 3, 1),
)
# Decoder, coarse to fine: level, channels of the encoder there, channels of the deconvolution that leads there.
DECODER = ((5, 512, 512), (4, 512, 256), (3, 256, 128), (2, 128, 64))


def _encoder_step(inputs: int, outputs: int, kernel: int, stride: int, batch_norm: bool) -> nn.Sequential:
    """Convolution, batch norm where asked for (then without a bias), leaky ReLU."""
    layers: list[nn.Module] = [nn.Conv2d(inputs, outputs, kernel, stride, kernel // 2, bias=not batch_norm)]
    if batch_norm:
        layers.append(nn.BatchNorm2d(outputs))
    layers.append(nn.LeakyReLU(0.1))
    return nn.Sequential(*layers)


def _crop(x: Tensor, target: Tensor) -> Tensor:
    """Return `x` cut at the bottom and right to the size of `target`; nothing is ever padded."""
    return x[:, :, : target.shape[2], : target.shape[3]]


class FlowNetS(nn.Module):
    """Frame pairs N 6 H W to flow N 2 H/4 W/4; in training mode the flows of all five levels, finest first."""

    def __init__(self, batch_norm: bool) -> None:
        super().__init__()
        for name, inputs, outputs, kernel, stride in ENCODER:
            self.add_module(name, _encoder_step(inputs, outputs, kernel, stride, batch_norm))
        # Channels that a level's flow is predicted from: the encoder's map, the deconvolution and the coarser flow.
        widths = {6: 1024} | {level: skip + deconv + 2 for level, skip, deconv in DECODER}
        for level, _, deconv in DECODER:
            up = nn.ConvTranspose2d(widths[level + 1], deconv, 4, 2, 1, bias=False)
            self.add_module(f"deconv{level}", nn.Sequential(up, nn.LeakyReLU(0.1)))
        for level, width in widths.items():
            self.add_module(f"predict_flow{level}", nn.Conv2d(width, 2, 3, padding=1, bias=False))
        for level, _, _ in DECODER:
            up = nn.ConvTranspose2d(2, 2, 4, 2, 1, bias=False)
            self.add_module(f"upsampled_flow{level + 1}_to_{level}", up)

    def encode(self, x: Tensor) -> dict[int, Tensor]:
        """Return the encoder's last map of levels 2 to 6; level n has 1 / 2^n of the size."""
        maps: dict[int, Tensor] = {}
        for name, *_ in ENCODER:
            x = self.get_submodule(name)(x)
            maps[int(name[4])] = x
        return {level: maps[level] for level in range(2, 7)}

    def flows(self, x: Tensor) -> tuple[Tensor, ...]:
        """Return the flows of levels 2 to 6, finest first, each N 2 H/2^n W/2^n."""
        maps = self.encode(x)
        merged = maps[6]
        flows = [self.get_submodule("predict_flow6")(merged)]
        for level, _, _ in DECODER:
            skip = maps[level]
            coarser = self.get_submodule(f"upsampled_flow{level + 1}_to_{level}")(flows[-1])
            deconv = self.get_submodule(f"deconv{level}")(merged)
            merged = torch.cat([skip, _crop(deconv, skip), _crop(coarser, skip)], dim=1)
            flows.append(self.get_submodule(f"predict_flow{level}")(merged))
        return tuple(reversed(flows))

    def forward(self, x: Tensor) -> Tensor | tuple[Tensor, ...]:
        """Map normalised frame pairs N 6 H W to the finest flow N 2 H/4 W/4, or in training mode to all five."""
        flows = self.flows(x)
        return flows if self.training else flows[0]


def build(card: ModelCard) -> nn.Module:
    """Return the untrained network, with batch norm where the card's arguments say so."""
    return FlowNetS(bool(card.architecture.arguments.get("batch_norm", False)))
