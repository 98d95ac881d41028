"""Gradients that are not numbers, as behind the square root of 0 or a matrix without full rank."""

from __future__ import annotations

import torch
from torch import Tensor

UNDEFINED = "At some steps the gradient was not a number: nothing was changed by it there."


def numbers_alone(gradient: Tensor) -> tuple[Tensor, Tensor]:
    """Return a gradient `N ...` with zeros for samples in which a value is not finite, and which `N` are finite."""
    finite = gradient.flatten(1).isfinite().all(1)
    return torch.where(finite.view(-1, *[1] * (gradient.ndim - 1)), gradient, 0), finite
