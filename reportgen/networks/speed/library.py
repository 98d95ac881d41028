"""Convolutions of the vendor library by weights that are packed once: there, back, and what goes with them for nothing.

The library adds a map to what a convolution returns, and rectifies it, while the values are still in registers, if the
map is the one that the answer is written over. Measured on one core (bfloat16, 64 to 256 channels of 32x28x28): a 1x1
convolution takes 1.6 ms, with a sum in place and a ReLU 1.7 ms, with both as operations of their own 5.9 ms.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from typing import Any

import torch
from torch import Tensor

ORDERS = {4: torch.channels_last, 5: torch.channels_last_3d}
PRECISIONS = (torch.float32, torch.bfloat16)


class PackedConvolution:
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
        groups: int = 1,
    ) -> None:
        self.groups = groups
        self.in_library = library_computes(maps.dtype)
        self.packs = packs and self.in_library
        self.order = ORDERS[maps.ndim]
        self.weight = weight.detach().to(maps.dtype)  # contiguous: the library packs other orders several times slower
        self.bias = None if bias is None else bias.detach().to(maps.dtype)
        self.stride, self.padding, self.dilation = list(stride), list(padding), list(dilation)
        self.there = self._packed(self.weight, maps.shape, self.padding)
        reach = [step * (size - 1) for step, size in zip(self.dilation, self.weight.shape[2:], strict=True)]
        self.margin = [far - pad for far, pad in zip(reach, self.padding, strict=True)]
        self.mirrors = set(self.stride) == {1} and min(self.margin) >= 0
        self.back: Tensor | None = None

    @cached_property
    def ordered(self) -> Tensor:
        """The weights in the order of the maps, as torch's own calls are quickest with them."""
        return self.weight.contiguous(memory_format=self.order)

    def forward(self, maps: Tensor, *, onto: Tensor | None = None, rectified: bool = False) -> Tensor:
        """Return the convolution of channels-last maps, `rectified` where asked for.

        It is added to, and written over, `onto`, which is channels-last too.
        """
        return self._convolved(maps, self.there, self.bias, self.padding, onto, rectified)

    def backward(self, gradient: Tensor, maps: Tensor | None, *, onto: Tensor | None = None) -> Tensor:
        """Return the gradient with respect to the maps, which are asked for where the convolution has a stride.

        It is added to, and may be written over, `onto`.
        """
        gradient = gradient.to(self.weight.dtype).contiguous(memory_format=self.order)
        if maps is None:
            if self.back is None:
                axes = list(range(2, self.weight.ndim))
                mirrored = self.weight.flip(axes).transpose(0, 1)
                self.back = self._packed(mirrored, gradient.shape, self.margin)
            return self._convolved(gradient, self.back, None, self.margin, onto, rectified=False)
        nothing = [0] * len(self.stride)
        found: Tensor = torch.ops.aten.convolution_backward.default(
            gradient,
            maps,
            self.ordered,
            None,
            self.stride,
            self.padding,
            self.dilation,
            False,
            nothing,
            1,
            [True, False, False],
        )[0]
        return found if onto is None else onto.add_(found)

    def _packed(self, weight: Tensor, shape: Sequence[int], padding: list[int]) -> Tensor:
        """Return weights as the vendor library wants them for maps of a shape."""
        if not self.packs:
            return weight.contiguous(memory_format=self.order)
        library: Any = torch._C._nn
        pack = library.mkldnn_reorder_conv3d_weight if weight.ndim == 5 else library.mkldnn_reorder_conv2d_weight
        found: Tensor = pack(
            weight.contiguous().to_mkldnn(), padding, self.stride, self.dilation, self.groups, list(shape)
        )
        return found

    def _convolved(
        self,
        maps: Tensor,
        weight: Tensor,
        bias: Tensor | None,
        padding: list[int],
        onto: Tensor | None,
        rectified: bool,
    ) -> Tensor:
        geometry = (padding, self.stride, self.dilation, self.groups)
        if not self.packs:
            found: Tensor
            if self.in_library:
                found = torch.ops.aten.mkldnn_convolution.default(maps, weight, bias, *geometry)
            else:
                ahead = (self.stride, padding, self.dilation, False, [0] * len(self.stride), self.groups)
                found = torch.ops.aten.convolution.default(maps, weight, bias, *ahead)
            found = found if onto is None else onto.add_(found)
            return found.relu_() if rectified else found
        pointwise = torch.ops.mkldnn._convolution_pointwise
        if onto is None:
            found = pointwise(maps, weight, bias, *geometry, "relu" if rectified else "none", [], "")
            return found
        summed = torch.ops.mkldnn._convolution_pointwise_.binary
        summed(onto, maps, weight, bias, *geometry, "add", 1.0, "relu" if rectified else None, [], None)
        return onto


def library_computes(precision: torch.dtype) -> bool:
    """Return whether the vendor library computes convolutions in a precision on this processor.

    In bfloat16 it needs vectors of 512 bits, or the newer conversions; torch's own way, which needs neither, takes tens
    of times as long as float32.
    """
    return precision == torch.float32 or bool(torch.ops.mkldnn._is_mkldnn_bf16_supported())


def can_freeze() -> bool:
    """Return whether this build of torch has the vendor library's packed weights."""
    names = ("mkldnn_reorder_conv2d_weight", "mkldnn_reorder_conv3d_weight")
    return (
        torch.backends.mkldnn.is_available()
        and all(hasattr(torch._C._nn, name) for name in names)
        and all(hasattr(torch.ops.mkldnn, name) for name in ("_convolution_pointwise", "_convolution_pointwise_"))
    )
