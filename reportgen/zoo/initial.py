"""The seeded state of a network that has no weights."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

_NORMS = (nn.modules.batchnorm._NormBase, nn.GroupNorm, nn.LayerNorm, nn.RMSNorm)
_WEIGHTED = (nn.modules.conv._ConvNd, nn.Linear)


def initialise(module: nn.Module, seed: int) -> None:
    """Repair the state in which a factory leaves a network, so that its untrained kernels can be looked at.

    The factory's own choice is kept, with two exceptions. Entries that are zero so that training starts from an
    identity stack (the last norm of a residual block, Goyal et al. 2017, arXiv 1706.02677, section 5.1) would hide
    every kernel before them: such a scale becomes `1 / sqrt(L)` for L of them, which keeps the variance of the whole
    stack below e (Zhang et al. 2019, arXiv 1901.09321), and such a weight is drawn as below. A network without any
    norm would fade layer by layer with torch's default weights: its weights are drawn from N(0, 2 / fan_in) (He et
    al. 2015, arXiv 1502.01852, equation 10) and its biases are zero. All draws are made on the CPU, from `seed`.
    """
    generator = torch.Generator().manual_seed(seed)
    silent = [
        norm.weight
        for norm in module.modules()
        if isinstance(norm, _NORMS) and isinstance(norm.weight, Tensor) and not norm.weight.any()
    ]
    has_norm = any(isinstance(part, _NORMS) for part in module.modules())
    with torch.no_grad():
        for scale in silent:
            scale.fill_(1 / math.sqrt(len(silent)))
        for part in module.modules():
            if isinstance(part, _WEIGHTED) and (not has_norm or not part.weight.any()):
                part.weight.copy_(_draw(part, generator))
                if part.bias is not None and not has_norm:
                    part.bias.zero_()


def _draw(layer: nn.Module, generator: torch.Generator) -> Tensor:
    """Return He-normal values for the weight of a convolution or linear layer."""
    weight = layer.get_parameter("weight")
    fan_in: float = math.prod(weight.shape[1:])
    if isinstance(layer, nn.modules.conv._ConvTransposeNd):  # its first axis is the input, and strides share the taps
        fan_in = layer.in_channels // layer.groups * math.prod(layer.kernel_size) / math.prod(layer.stride)
    return torch.randn(weight.shape, generator=generator) * math.sqrt(2 / fan_in)
