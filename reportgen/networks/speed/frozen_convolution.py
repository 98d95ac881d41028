"""A convolution whose weights stand still, for passes back to the clip: one memory order, and weights packed once.

torch's own convolutions rearrange maps and weights at every call: contiguous maps into blocks and back, weights of both
ways into what the vendor library multiplies with. Here maps stay channels-last from layer to layer, and weights are
packed when the layer is made, once for the way there and once, mirrored, for the way back. A kernel that is flat in
time is one of pictures, and one that is long in time alone is one of pictures with all positions in a row: on both
the library's routines for pictures are up to six times as fast, and no value is moved to see them so.
Multiply-adds a second (1e9) there and back on one core with matrix units (2.5 GHz, torch 2.13), of torch's contiguous
convolution and of this one: 3x1x1 over 256x8x56x56 in float32 15, 10 and 55, 55, in bfloat16 56, 18 and 148, 266.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn

from reportgen.networks.speed.few_channels import FramesAsChannels
from reportgen.networks.speed.plain_layers import has_few_channels

_ORDERS = {4: torch.channels_last, 5: torch.channels_last_3d}
_PRECISIONS = (torch.float32, torch.bfloat16)


class FrozenConvolution:
    """What a plain convolution of maps `N C (T) H W` does, with `weight` and `bias` in place of its own.

    Gradients go to the maps alone. The answer is in channels-last order.
    """

    def __init__(
        self, layer: nn.Conv2d | nn.Conv3d, weight: Tensor, bias: Tensor | None, *, packs: bool = True
    ) -> None:
        self.weight, self.bias = weight, bias
        self.packs = packs
        self.stride, self.dilation = tuple(layer.stride), tuple(layer.dilation)
        self.padding = tuple(int(side) for side in layer.padding)
        self.groups = layer.groups
        self.laid = (
            FramesAsChannels(layer, weight) if isinstance(layer, nn.Conv3d) and has_few_channels(layer) else None
        )
        self._packed: dict[tuple[Any, ...], _Packed] = {}

    def __call__(self, maps: Tensor) -> Tensor:
        """Return the convolution of maps `N C (T) H W`, in the precision of the caller's autocast."""
        kind = maps.device.type
        if torch.is_autocast_enabled(kind):
            maps = maps.to(torch.get_autocast_dtype(kind))
        if kind != "cpu" or maps.dtype not in _PRECISIONS or self.groups > 1 or maps.ndim != self.weight.ndim:
            return self._plain(maps)
        if self.laid is not None:
            answer = self._run(self.laid.pictures(maps), self.laid.weight, (1, 1), (0, 0), (1, 1))
            return _clips(answer, len(maps))
        maps = maps.contiguous(memory_format=_ORDERS[maps.ndim])
        if maps.ndim == 4:
            return self._run(maps, self.weight, self.stride, self.padding, self.dilation)
        time, *space = zip(self.weight.shape[2:], self.stride, self.padding, self.dilation, strict=True)
        if time[:3] == (1, 1, 0):
            frames = maps.transpose(1, 2).flatten(0, 1)
            answer = self._run(frames, self.weight[:, :, 0], self.stride[1:], self.padding[1:], self.dilation[1:])
            return _clips(answer, len(maps))
        if all(axis[:3] == (1, 1, 0) for axis in space):
            rows, flat = maps.flatten(3), self.weight.flatten(3)
            answer = self._run(rows, flat, (time[1], 1), (time[2], 0), (time[3], 1))
            return answer.view(*answer.shape[:3], *maps.shape[3:])
        return self._run(maps, self.weight, self.stride, self.padding, self.dilation)

    def _plain(self, maps: Tensor) -> Tensor:
        convolution = torch.conv3d if self.weight.ndim == 5 else torch.conv2d
        weight, bias = self.weight.to(maps.dtype), None if self.bias is None else self.bias.to(maps.dtype)
        return convolution(maps, weight, bias, self.stride, self.padding, self.dilation, self.groups)

    def _run(self, maps: Tensor, weight: Tensor, stride: Any, padding: Any, dilation: Any) -> Tensor:
        key = (tuple(maps.shape[2:]), maps.dtype)  # packed weights serve any number of clips
        if key not in self._packed:
            self._packed[key] = _Packed(maps, weight, self.bias, stride, padding, dilation, packs=self.packs)
        answer: Tensor = _Frozen.apply(maps, self._packed[key])  # type: ignore[no-untyped-call, unused-ignore]
        return answer


def _clips(pictures: Tensor, count: int) -> Tensor:
    """Return clips `N C T H W` from pictures `N*T C H W`."""
    return pictures.view(count, -1, *pictures.shape[1:]).transpose(1, 2)


class _Packed:
    """A convolution of maps of one size and precision: weights for the way there, and mirrored for the way back."""

    def __init__(
        self,
        maps: Tensor,
        weight: Tensor,
        bias: Tensor | None,
        stride: Sequence[int],
        padding: Sequence[int],
        dilation: Sequence[int],
        *,
        packs: bool,
    ) -> None:
        self.packs = packs
        self.order = _ORDERS[maps.ndim]
        self.weight = weight.detach().to(maps.dtype).contiguous(memory_format=self.order)
        self.bias = None if bias is None else bias.detach().to(maps.dtype)
        self.stride, self.padding, self.dilation = list(stride), list(padding), list(dilation)
        self.there = self._packed(self.weight, maps.shape, self.padding)
        reach = [step * (size - 1) for step, size in zip(self.dilation, self.weight.shape[2:], strict=True)]
        self.margin = [far - pad for far, pad in zip(reach, self.padding, strict=True)]
        self.mirrors = set(self.stride) == {1} and min(self.margin) >= 0
        self.back: Tensor | None = None

    def forward(self, maps: Tensor) -> Tensor:
        """Return the convolution of channels-last maps."""
        return self._convolved(maps, self.there, self.bias, self.padding)

    def backward(self, gradient: Tensor, maps: Tensor | None) -> Tensor:
        """Return the gradient with respect to the maps, which are asked for where the convolution has a stride."""
        gradient = gradient.to(self.weight.dtype).contiguous(memory_format=self.order)
        if maps is None:
            if self.back is None:
                axes = list(range(2, self.weight.ndim))
                mirrored = self.weight.flip(axes).transpose(0, 1).contiguous(memory_format=self.order)
                self.back = self._packed(mirrored, gradient.shape, self.margin)
            return self._convolved(gradient, self.back, None, self.margin)
        nothing = [0] * len(self.stride)
        found: Tensor = torch.ops.aten.convolution_backward.default(
            gradient,
            maps,
            self.weight,
            None,
            self.stride,
            self.padding,
            self.dilation,
            False,
            nothing,
            1,
            [True, False, False],
        )[0]
        return found

    def _packed(self, weight: Tensor, shape: Sequence[int], padding: list[int]) -> Tensor:
        """Return channels-last weights as the vendor library wants them for maps of a shape."""
        if not self.packs:
            return weight
        library: Any = torch._C._nn
        pack = library.mkldnn_reorder_conv3d_weight if weight.ndim == 5 else library.mkldnn_reorder_conv2d_weight
        found: Tensor = pack(weight.to_mkldnn(), padding, self.stride, self.dilation, 1, list(shape))
        return found

    def _convolved(self, maps: Tensor, weight: Tensor, bias: Tensor | None, padding: list[int]) -> Tensor:
        if not self.packs:
            called = (maps, weight, bias, padding, self.stride, self.dilation, 1)
            found: Tensor = torch.ops.aten.mkldnn_convolution.default(*called)
            return found
        found = torch.ops.mkldnn._convolution_pointwise(
            maps, weight, bias, padding, self.stride, self.dilation, 1, "none", [], ""
        )
        return found


class _Frozen(torch.autograd.Function):
    """The two ways as one operation; of a mirrored way back nothing of the maps need be kept."""

    @staticmethod
    def forward(ctx: Any, maps: Tensor, packed: _Packed) -> Tensor:
        ctx.packed = packed
        if not packed.mirrors:
            ctx.save_for_backward(maps)
        return packed.forward(maps)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, None]:
        (maps,) = ctx.saved_tensors or (None,)
        return ctx.packed.backward(gradient, maps), None


def can_freeze() -> bool:
    """Return whether this build of torch has the vendor library's packed weights."""
    names = ("mkldnn_reorder_conv2d_weight", "mkldnn_reorder_conv3d_weight")
    return (
        torch.backends.mkldnn.is_available()
        and all(hasattr(torch._C._nn, name) for name in names)
        and hasattr(torch.ops.mkldnn, "_convolution_pointwise")
    )
