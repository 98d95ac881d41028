"""A first convolution, whose clips have few channels, as an equal one of pictures with many.

The vendor library computes with 16 channels at once and more; of a clip's three it wastes the rest, most of all on the
way back. The frames under a kernel are laid side by side as channels: the same sums, by a convolution of pictures.
Measured on one core with matrix units, there and back: 64 kernels of 3x3x3 on 4x8x56x56 in float32 27 ms with it and 44
without, in bfloat16 11 and 12.

A stride in space can be folded into channels instead (`folding`), which rounds a kernel up to whole strides: 5x7x7 to
5x8x8, three tenths more multiplications. It pays where fewer than three frames lie under a kernel, and where a kernel
is as large as its stride. There and back, of stride 1x2x2 on two clips of 8x112x112, two cores of an EPYC with
avx512_bf16, folded and with frames as channels: 64 kernels of 5x7x7 in float32 66 and 46 ms, in bfloat16 34 and 24;
of 7x7x7 91 and 79, 47 and 39; of 3x7x7 39 and 37, 20 and 20; of 1x7x7 13 and 28, 7 and 15.
"""

from __future__ import annotations

from copy import copy
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

_LEAST_FRAMES = 3


def lays_frames(layer: nn.Conv3d) -> bool:
    """Return whether a convolution of few channels is quicker with its frames as channels than with a stride folded."""
    frames, *space = layer.kernel_size
    overlap = all(size > step for size, step in zip(space, layer.stride[1:], strict=True))
    return max(layer.stride) == 1 or (frames >= _LEAST_FRAMES and overlap)


class FramesAsChannels:
    """Arranges clips `N C T H W` for a convolution of pictures by `weight` `K C' H' W'`.

    `stride` and `padding` are those of the pictures.
    """

    def __init__(self, layer: nn.Conv3d, weight: Tensor) -> None:
        before, *self.padding = (int(side) for side in layer.padding)
        self.step, *self.stride = layer.stride
        self.padded = [0, 0, 0, 0, before, before]
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
        found: Tensor = _SideBySide.apply(padded, self.frames, self.step)  # type: ignore[no-untyped-call, unused-ignore]
        return found


class _SideBySide(torch.autograd.Function):
    """Clips `N C T H W` to pictures `N*T' F*C H W` whose channels are those of F frames, `step` between pictures."""

    @staticmethod
    def forward(ctx: Any, clips: Tensor, frames: int, step: int) -> Tensor:
        count, channels, length, *space = clips.shape
        ctx.frames, ctx.step, ctx.shape = frames, step, clips.shape
        last = clips.permute(0, 2, 3, 4, 1)
        pictures = (length - frames) // step + 1
        laid = clips.new_empty(count, pictures, *space, frames, channels)
        for frame in range(frames):
            laid[..., frame, :] = last[:, _under(frame, pictures, step)]
        return laid.view(count * pictures, *space, frames * channels).permute(0, 3, 1, 2)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, None, None]:
        count, channels, _, *space = ctx.shape
        pictures = len(gradient) // count
        # In planes: sums over so few channels, side by side in memory, take up to seven times as long in bfloat16.
        laid = gradient.contiguous().view(count, pictures, ctx.frames, channels, *space).permute(2, 0, 3, 1, 4, 5)
        found = gradient.new_zeros(ctx.shape)
        for frame in range(ctx.frames):
            found[:, :, _under(frame, pictures, ctx.step)] += laid[frame]
        return found, None, None


def _under(frame: int, pictures: int, step: int) -> slice:
    """Return the frames of a clip that lie as the `frame`-th one under the kernel, picture by picture."""
    return slice(frame, frame + (pictures - 1) * step + 1, step)
