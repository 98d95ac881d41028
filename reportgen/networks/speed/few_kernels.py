"""A convolution of which few kernels are asked for, in the memory order in which a CPU is quick at it.

The vendor library pads contiguous maps and gradients to blocks of 16 channels, of which a first layer's clips fill 3
and a search's kernels 4; channels-last it computes what is there. Processor milliseconds there and back for 4 kernels
on 4 clips, one core of an EPYC with avx512_bf16, contiguous and channels-last: 3x3x3 on 3x16x112x112 in float32 250
and 49, in bfloat16 66 and 29; the folded stem 5x4x4 on 12x12x115x115 367 and 207, 165 and 91; 3x3x3 on 64x16x56x56 320
and 225.
A kernel of one position is quicker on the order that the maps have.
"""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor
from torch.nn import functional

from reportgen.networks.speed.library import ORDERS


def few_kernels(
    maps: Tensor,
    weight: Tensor,
    bias: Tensor | None,
    stride: Sequence[int] = (1,),
    padding: Sequence[int] | str = (0,),
    dilation: Sequence[int] = (1,),
) -> Tensor:
    """Return the convolution of maps `N C (T) H W` by a few kernels `K C (T) H W`, as torch's own."""
    if maps.device.type == "cpu" and maps.ndim == weight.ndim and max(weight.shape[2:]) > 1:
        order = ORDERS[maps.ndim]
        maps, weight = maps.contiguous(memory_format=order), weight.contiguous(memory_format=order)
    convolution = functional.conv3d if weight.ndim == 5 else functional.conv2d
    return convolution(maps, weight, bias, stride, padding, dilation)
