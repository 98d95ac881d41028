"""The memory order of a network's weights, for the time of an optimisation.

With channels-last weights a convolution works on channels-last maps, and so do all layers behind it. Measured forward
and backward on one core of a CPU (Xeon 2.5 GHz, AVX-512, torch 2.13) against contiguous weights: C3D 1.2 to 1.5 times
as fast, MF-Net 1.3, 3D-ResNet-50 1.0, I3D with its flat and long kernels 0.85 to 1.0. Networks of pictures: VGG-16 1.0,
ResNet-50 1.3, MobileNet-V2 1.15, DenseNet-121 1.1, and in bfloat16 on the processor's matrix units 1.65, 1.4, 1.4 and
1.5. On a GPU tensor cores read bfloat16 maps in this order only.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import nn

from reportgen.networks.core.network import Network

_ORDERS = {4: torch.channels_last, 5: torch.channels_last_3d}


def channels_last_pays(network: Network, *, reduced_precision: bool = False) -> bool:
    """Return whether channels-last weights make the network faster; the answer knows its kernels, not the clock.

    On a CPU they do where most weights lie in kernels that extend in time, height and width, or in those of pictures,
    whatever their size; on a GPU where it works in `reduced_precision`.
    """
    if network.device.type == "cuda":
        return reduced_precision
    kernels = [module.weight for module in network.module.modules() if isinstance(module, nn.Conv2d | nn.Conv3d)]
    full = sum(weight.numel() for weight in kernels if weight.ndim == 4 or min(weight.shape[2:]) > 1)
    return 2 * full > sum(weight.numel() for weight in kernels)


@contextmanager
def channels_last(network: Network) -> Iterator[None]:
    """Keep the weights of convolutions in channels-last order within the context; their values are the same."""
    modules = network.module.modules()
    weights = [module.weight for module in modules if isinstance(module, nn.Conv2d | nn.Conv3d) and _plain(module)]
    before = [weight.data for weight in weights]
    for weight in weights:
        weight.data = weight.data.contiguous(memory_format=_ORDERS[weight.ndim])
    try:
        yield
    finally:
        for weight, data in zip(weights, before, strict=True):
            weight.data = data


def _plain(module: nn.Module) -> bool:
    """Return whether it is torch's own convolution, whose weights are its own."""
    return type(module) in (nn.Conv2d, nn.Conv3d)
