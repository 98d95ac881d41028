"""Layers that are torch's own and nothing else, so that something equal can do their work."""

from __future__ import annotations

from torch import nn

_FEW_CHANNELS = 4


def hooked(layer: nn.Module) -> bool:
    """Return whether something else than a layer's own code has a say in what it returns, or listens."""
    hooks = (layer._forward_hooks, layer._forward_pre_hooks, layer._backward_hooks, layer._backward_pre_hooks)
    return any(hooks) or "forward" in vars(layer)


def computes_as_torch(layer: nn.Conv2d | nn.Conv3d) -> bool:
    """Return whether a convolution is computed by torch's own code alone, whatever made its weights.

    A hook may norm what the layer returns, or change what it is given.
    """
    kind = nn.Conv3d if isinstance(layer, nn.Conv3d) else nn.Conv2d
    own = type(layer).forward is kind.forward and type(layer)._conv_forward is kind._conv_forward
    return own and not hooked(layer)


def has_few_channels(layer: nn.Module) -> bool:
    """Return whether a convolution takes clips of few channels, in an arrangement that others can be made equal to."""
    return (
        isinstance(layer, nn.Conv3d)
        and layer.in_channels <= _FEW_CHANNELS
        and layer.groups == 1
        and set(layer.dilation) == {1}
    )


def is_plain_convolution(layer: nn.Module) -> bool:
    """Return whether a layer is torch's own convolution, padded with zeros, which nobody listens to."""
    return (
        type(layer) in (nn.Conv2d, nn.Conv3d)
        and not hooked(layer)
        and layer.padding_mode == "zeros"
        and not isinstance(layer.padding, str)
    )
