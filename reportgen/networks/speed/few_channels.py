"""A first convolution without stride, whose clips have few channels, as an equal one of pictures with many.

The vendor library computes with 16 channels at once and more; of a clip's three it wastes the rest, most of all on the
way back. The frames under a kernel are laid side by side as channels: the same sums, by a convolution of pictures. A
stride is folded into channels (`folding`), which are then enough as they are. Measured on one core with matrix units,
there and back: 64 kernels of 3x3x3 on 4x8x56x56 in float32 27 ms with it and 44 without, in bfloat16 11 and 12; folded
ones of 5x7x7 at stride (1, 2, 2) 182 and 168, 50 and 33.
"""

from __future__ import annotations

from copy import copy
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional


class FramesAsChannels:
    """Arranges clips `N C T H W` for a convolution of pictures by `weight` `K C' H' W'`, without stride or padding."""

    def __init__(self, layer: nn.Conv3d, weight: Tensor) -> None:
        padding = [int(side) for side in layer.padding]
        self.padded = [side for pad in reversed(padding) for side in (pad, pad)]
        self.frames = weight.shape[2]
        self.weight = weight.transpose(1, 2).flatten(1, 2)

    def weighted_by(self, factors: Tensor) -> FramesAsChannels:
        """Return the same arrangement with kernel i times `factors` K."""
        found = copy(self)
        found.weight = self.weight * factors.view(-1, 1, 1, 1)
        return found

    def pictures(self, clips: Tensor) -> Tensor:
        """Return the pictures `N*T C' H' W'`, channels-last."""
        padded = functional.pad(clips, self.padded)
        found: Tensor = _SideBySide.apply(padded, self.frames)  # type: ignore[no-untyped-call, unused-ignore]
        return found


class _SideBySide(torch.autograd.Function):
    """Clips `N C T H W` to pictures `N*T' F*C H W` whose channels are those of F frames one after the other."""

    @staticmethod
    def forward(ctx: Any, clips: Tensor, frames: int) -> Tensor:
        count, channels, length, *space = clips.shape
        ctx.frames, ctx.shape = frames, clips.shape
        last = clips.permute(0, 2, 3, 4, 1)
        steps = length - frames + 1
        laid = clips.new_empty(count, steps, *space, frames, channels)
        for frame in range(frames):
            laid[..., frame, :] = last[:, frame : frame + steps]
        return laid.view(count * steps, *space, frames * channels).permute(0, 3, 1, 2)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, None]:
        count, channels, length, *space = ctx.shape
        steps = length - ctx.frames + 1
        laid = gradient.permute(0, 2, 3, 1).reshape(count, steps, *space, ctx.frames, channels)
        found = gradient.new_zeros(count, length, *space, channels)
        for frame in range(ctx.frames):
            found[:, frame : frame + steps] += laid[..., frame, :]
        return found.permute(0, 4, 1, 2, 3), None
