"""The seeded state of a network that has no weights."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from reportgen.networks.core.network import Network
from reportgen.networks.core.reparametrized import set_weight
from reportgen.networks.kernels.layers import count_additions, is_layer

_NORMS = (nn.modules.batchnorm._NormBase, nn.GroupNorm, nn.LayerNorm, nn.RMSNorm)


def initialise(network: Network, seed: int) -> None:
    """Give an untrained network weights with which a signal neither fades nor explodes on its way, from `seed`.

    What factories leave behind is meant for training, where batch norm divides by the statistics of a batch: in
    evaluation, torch's default weights let a signal fade by sqrt(6) per layer, and blocks whose last norm is zero
    (Goyal et al. 2017, arXiv 1706.02677, section 5.1) are identities that hide every kernel inside them.

    Weights of convolution and linear layers are drawn from N(0, g^2 2 / fan_in) (He et al. 2015, arXiv 1502.01852,
    equation 10), their biases are zero, and norms that are zero become one. With A residual additions and m layers
    for each of them, g = A^(-1 / 2m): the variance then grows by (1 + 1/A)^A < e in all, whatever the depth (compare
    Zhang et al. 2019, arXiv 1901.09321). All draws are made on the CPU, so that they are the same everywhere;
    everything else stays as the factory made it. A weight under a spectral norm is divided by its largest singular
    value, as ever.
    """
    layers = [part for part in network.module.modules() if is_layer(part)]
    additions = count_additions(network)
    gain = additions ** (-additions / (2 * len(layers))) if additions and layers else 1.0
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for layer in layers:
            set_weight(layer, gain * _drawn(layer, generator))
            if layer.bias is not None:
                layer.get_parameter("bias").zero_()
        for norm in network.module.modules():
            if isinstance(norm, _NORMS) and isinstance(norm.weight, Tensor) and not norm.weight.any():
                norm.weight.fill_(1.0)


def _drawn(layer: nn.Module, generator: torch.Generator) -> Tensor:
    """Return He-normal values for the weight of a convolution or linear layer."""
    weight = layer.weight
    assert isinstance(weight, Tensor)  # a layer's, perhaps computed from other parameters
    fan_in: float = math.prod(weight.shape[1:])
    if isinstance(layer, nn.modules.conv._ConvTransposeNd):  # its first axis is the input, and strides share the taps
        fan_in = layer.in_channels // layer.groups * math.prod(layer.kernel_size) / math.prod(layer.stride)
    return torch.randn(weight.shape, generator=generator) * math.sqrt(2 / fan_in)
