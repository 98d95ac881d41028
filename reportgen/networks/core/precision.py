"""Networks in reduced precision, computed with in float32: what an analysis asks is finer than 8 or 11 bits."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from reportgen.errors import NetworkError

_REDUCED = frozenset(
    {
        torch.float16,
        torch.bfloat16,
        torch.float8_e4m3fn,
        torch.float8_e5m2,
        torch.float8_e4m3fnuz,
        torch.float8_e5m2fnuz,
    }
)
FOLLOW_THE_WEIGHTS = "let it compute in the precision that its weights have"
"""What a network that converts its clip by itself is told, whose weights are in float32 by then."""

_OTHER = _REDUCED | {torch.float64}


def is_reduced(module: nn.Module) -> bool:
    """Whether a module has weights in half precision, bfloat16 or eight bits."""
    return any(tensor.dtype in _REDUCED for tensor in _state(module))


def in_single_precision(module: nn.Module, name: str) -> nn.Module:
    """Return the module with its weights in float32 where they were of fewer bits (in place).

    Raises NetworkError for weights that are complex numbers: kernels, gradients and maps are of real ones.
    """
    if any(parameter.is_complex() for parameter in module.parameters()):
        raise NetworkError(
            f"{name} has complex weights, and reports are of real ones: keep them as pairs of real numbers "
            "(torch.view_as_real) and make them complex where they are used."
        )
    return module.float() if is_reduced(module) else module


def widened(tensor: Tensor) -> Tensor:
    """Return a tensor of reduced precision in float32, as where a network casts its own values; others as they are."""
    return tensor.float() if tensor.dtype in _REDUCED else tensor


def other_precisions(module: nn.Module) -> tuple[str, ...]:
    """Return the types of a module's parameters that are real numbers of another precision than float32, by name."""
    found = {str(one.dtype).removeprefix("torch.") for one in module.parameters() if one.dtype in _OTHER}
    return tuple(sorted(found))


def _state(module: nn.Module) -> list[Tensor]:
    return [*module.parameters(), *module.buffers()]
