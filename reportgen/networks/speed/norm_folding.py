"""Frozen batch norms as a part of the convolution before them.

In evaluation mode a batch norm scales and shifts channels, which the weights of a convolution can do as well. That
changes no answer where the norm alone reads what the convolution returns (`what_follows`).
"""

from __future__ import annotations

import torch
from torch import Tensor, nn


def folded(convolution: nn.Conv2d | nn.Conv3d, norm: nn.BatchNorm2d | nn.BatchNorm3d) -> tuple[Tensor, Tensor]:
    """Return weight and bias of a convolution that does the work of both."""
    assert norm.running_mean is not None  # it was seen to be evaluated
    assert norm.running_var is not None
    gain = torch.rsqrt(norm.running_var.double() + norm.eps)
    gain = gain if norm.weight is None else gain * norm.weight.detach().double()
    offset = -norm.running_mean.double() * gain
    offset = offset if norm.bias is None else offset + norm.bias.detach().double()
    if convolution.bias is not None:
        offset = offset + convolution.bias.detach().double() * gain
    weight = convolution.weight.detach()
    shape = (-1,) + (1,) * (weight.ndim - 1)
    return weight * gain.to(weight.dtype).view(shape), offset.to(weight.dtype)
