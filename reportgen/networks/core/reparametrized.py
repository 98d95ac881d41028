"""Layers whose weight is computed from other parameters: `weight_norm` and `spectral_norm`, old and new."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import Tensor, nn
from torch.nn.utils import parametrize
from torch.nn.utils.spectral_norm import SpectralNorm
from torch.nn.utils.weight_norm import WeightNorm

#: Power iterations from a random start: the largest singular value to within rounding for what layers have.
_ITERATIONS = 30


def set_weight(layer: nn.Module, value: Tensor) -> None:
    """Give a layer a weight, through what it is computed from where that is something else.

    A spectral norm divides the weight by its largest singular value again, whatever is set.
    """
    hooks = list(layer._forward_pre_hooks.values())
    old_weight_norm = next((h for h in hooks if isinstance(h, WeightNorm) and h.name == "weight"), None)
    old_spectral_norm = next((h for h in hooks if isinstance(h, SpectralNorm) and h.name == "weight"), None)
    with torch.no_grad():
        if parametrize.is_parametrized(layer, "weight"):
            _assign(layer, value)
            with _training(layer):
                for _ in range(_ITERATIONS):
                    _ = layer.weight  # a spectral norm takes one step of its power iteration each time
        elif old_weight_norm is not None:
            direction, length = layer.get_parameter("weight_v"), layer.get_parameter("weight_g")
            direction.copy_(value)
            length.copy_(torch.norm_except_dim(value, 2, old_weight_norm.dim))
            layer.weight = old_weight_norm.compute_weight(layer)
        elif old_spectral_norm is not None:
            layer.get_parameter("weight_orig").copy_(value)
            for _ in range(_ITERATIONS):
                layer.weight = old_spectral_norm.compute_weight(layer, do_power_iteration=True)
        else:
            layer.get_parameter("weight").copy_(value)


def _assign(layer: nn.Module, value: Tensor) -> None:
    """Set a parametrized weight; where that cannot be undone to what it is computed from, set that itself.

    What has another shape than the weight, and no way back to it, stays as the factory made it.
    """
    try:
        layer.weight = value.to(layer.weight)  # type: ignore[arg-type]
    except (RuntimeError, NotImplementedError, ValueError, TypeError):
        original = getattr(layer.parametrizations["weight"], "original", None)  # type: ignore[index]
        if isinstance(original, Tensor) and original.shape == value.shape:
            original.copy_(value)


@contextmanager
def _training(layer: nn.Module) -> Iterator[None]:
    modes = [(part, part.training) for part in layer.modules()]
    layer.train()
    try:
        yield
    finally:
        for part, mode in modes:
            part.training = mode
