"""A convolution whose weights stand still, for passes back to the clip: one memory order, and weights packed once.

torch's own convolutions rearrange maps and weights at every call: contiguous maps into blocks and back, weights of both
ways into what the vendor library multiplies with. Here maps stay channels-last from layer to layer, and weights are
packed when the layer is made, once for the way there and once, mirrored, for the way back. A kernel that is flat in
time is one of pictures, and one that is long in time alone is one of pictures with all positions in a row: on both
the library's routines for pictures are up to six times as fast, and no value is moved to see them so. Cubes of many
channels take fewer multiplications than the library's (`winograd`).
Multiply-adds a second (1e9) there and back on one core with matrix units (2.5 GHz, torch 2.13), of torch's contiguous
convolution and of this one: 3x1x1 over 256x8x56x56 in float32 15, 10 and 55, 55, in bfloat16 56, 18 and 148, 266.
"""

from __future__ import annotations

from copy import copy
from typing import Any

import torch
from torch import Tensor, nn

from reportgen.networks.speed.few_channels import FramesAsChannels, lays_frames
from reportgen.networks.speed.folding import fold_clips, fold_weight
from reportgen.networks.speed.fused import Call, FixedConvolution, Gathered, Pending, Rectifier
from reportgen.networks.speed.library import ORDERS, PRECISIONS, PackedConvolution
from reportgen.networks.speed.library_view import AS_THEY_ARE, FramesAsPictures, LibraryView, PositionsInARow
from reportgen.networks.speed.plain_layers import has_few_channels
from reportgen.networks.speed.winograd import WinogradConvolution, by_winograd


class FrozenConvolution:
    """What a plain convolution of maps `N C (T) H W` does, with `weight` and `bias` in place of its own.

    Gradients go to the maps alone. The answer is in channels-last order. A `rectifier` that alone reads the answer, or
    that alone reads the sum of it and of another map (`sums`), is done with it. With `gathers` the gradient of the
    shortcut that leaves where this convolution does is added to its own.
    """

    def __init__(
        self,
        layer: nn.Conv2d | nn.Conv3d,
        weight: Tensor,
        bias: Tensor | None,
        *,
        packs: bool = True,
        rectifier: Rectifier | None = None,
        sums: bool = False,
        gathers: bool = False,
    ) -> None:
        self.weight, self.bias = weight, bias
        self.packs = self.transforms = packs  # both pay for themselves in many passes alone
        self.rectifier, self.sums, self.gathers = rectifier, sums, gathers
        self.stride, self.dilation = tuple(layer.stride), tuple(layer.dilation)
        self.padding = tuple(int(side) for side in layer.padding)
        self.groups = layer.groups
        self.folded: Tensor | None = None
        self.laid: FramesAsChannels | None = None
        if isinstance(layer, nn.Conv3d) and has_few_channels(layer):
            if lays_frames(layer):
                self.laid = FramesAsChannels(layer, weight)
            else:
                self.folded = fold_weight(weight, self.stride)
        self._packed: dict[tuple[Any, ...], FixedConvolution] = {}

    def __call__(self, maps: Tensor) -> Tensor:
        """Return the convolution of maps `N C (T) H W`, in the precision of the caller's autocast."""
        kind = maps.device.type
        if torch.is_autocast_enabled(kind):
            maps = maps.to(torch.get_autocast_dtype(kind))
        if kind != "cpu" or maps.dtype not in PRECISIONS or self.groups > 1 or maps.ndim != self.weight.ndim:
            return self._plain(maps)
        shape = self._shape(maps)
        if self.laid is not None:
            pictures, seen = self.laid.pictures(maps), (AS_THEY_ARE, FramesAsPictures(len(maps)))
            return self._run(shape, pictures, self.laid.weight, self.laid.stride, self.laid.padding, (1, 1), seen)
        if self.folded is not None:
            maps = fold_clips(maps, self.weight.shape[2:], self.stride, self.padding)
            maps = maps.contiguous(memory_format=ORDERS[maps.ndim])
            return self._run(shape, maps, self.folded, (1, 1, 1), (0, 0, 0), (1, 1, 1), (AS_THEY_ARE, AS_THEY_ARE))
        gathered = Gathered.at(maps) if self.gathers and maps.requires_grad else None
        maps = maps.contiguous(memory_format=ORDERS[maps.ndim])
        return self._run(shape, maps, *self._seen(maps), gathered)

    def silenced(self, keep: Tensor) -> FrozenConvolution:
        """Return the same convolution with weights and bias of zero where `keep` K is 0 and not 1."""
        found = copy(self)
        rows = keep.view(-1, *[1] * (self.weight.ndim - 1))
        found.weight, found.bias = self.weight * rows, None if self.bias is None else self.bias * keep
        if self.folded is not None:
            found.folded = self.folded * rows
        if self.laid is not None:
            found.laid = self.laid.weighted_by(keep)
        found._packed = {}
        found.transforms = (
            False  # it is made for few passes, and transformed weights are packed at three times the cost
        )
        return found

    def _seen(self, maps: Tensor) -> tuple[Tensor, Any, Any, Any, tuple[LibraryView, LibraryView]]:
        """Return weights, stride, padding and dilation as the library is quickest at them, and its view of the maps."""
        whole = (self.weight, self.stride, self.padding, self.dilation, (AS_THEY_ARE, AS_THEY_ARE))
        if maps.ndim == 4:
            return whole
        time, *space = zip(self.weight.shape[2:], self.stride, self.padding, self.dilation, strict=True)
        if time[:3] == (1, 1, 0):
            frames = FramesAsPictures(len(maps))
            return self.weight[:, :, 0], self.stride[1:], self.padding[1:], self.dilation[1:], (frames, frames)
        if all(axis[:3] == (1, 1, 0) for axis in space):
            rows = PositionsInARow((maps.shape[3], maps.shape[4]))
            return self.weight.flatten(3), (time[1], 1), (time[2], 0), (time[3], 1), (rows, rows)
        return whole

    def _plain(self, maps: Tensor) -> Tensor:
        convolution = torch.conv3d if self.weight.ndim == 5 else torch.conv2d
        weight, bias = self.weight.to(maps.dtype), None if self.bias is None else self.bias.to(maps.dtype)
        return convolution(maps, weight, bias, self.stride, self.padding, self.dilation, self.groups)

    def _run(
        self,
        shape: tuple[int, ...],
        maps: Tensor,
        weight: Tensor,
        stride: Any,
        padding: Any,
        dilation: Any,
        seen: tuple[LibraryView, LibraryView],
        gathered: Gathered | None = None,
    ) -> Tensor:
        key = (tuple(maps.shape[2:]), maps.dtype)  # packed weights serve any number of clips
        if key not in self._packed:
            laid = seen[0].laid(maps.detach())
            self._packed[key] = self._prepared(laid, weight, stride, padding, dilation)
        call = Call(self._packed[key], *seen, gathered)
        if self.sums and self.rectifier is not None:
            if self.rectifier.stands:
                return Pending.of(maps, call, self.rectifier, shape)
            return call.run(maps)
        return call.run(maps, self.rectifier)

    def _prepared(self, maps: Tensor, weight: Tensor, stride: Any, padding: Any, dilation: Any) -> FixedConvolution:
        """Return the convolution of maps of a size as it is quickest."""
        if self.transforms and by_winograd(maps, weight, stride, padding, dilation):
            return WinogradConvolution(weight, self.bias, padding)
        return PackedConvolution(maps, weight, self.bias, stride, padding, dilation, packs=self.packs)

    def _shape(self, maps: Tensor) -> tuple[int, ...]:
        """Return the shape of the answer."""
        sides = zip(maps.shape[2:], self.weight.shape[2:], self.stride, self.padding, self.dilation, strict=True)
        return (
            len(maps),
            len(self.weight),
            *((size + 2 * pad - step * (width - 1) - 1) // jump + 1 for size, width, jump, pad, step in sides),
        )
