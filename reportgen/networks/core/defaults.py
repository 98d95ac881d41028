"""Modes and defaults of torch that a caller may have changed, and that nothing here is to depend on."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, nullcontext

import torch
from torch import nn


@contextmanager
def usual_defaults(precision: torch.dtype = torch.float32) -> Iterator[None]:
    """Let tensors be made on the CPU, in a precision and with gradients within the context (or the decorated call).

    Outside it may be inference mode, of whose tensors none has a gradient ever, or another default device or type. The
    random state of the CPU, from which a network draws its first weights, is given back.
    """
    before = torch.get_default_dtype()
    # Setting the device costs every call of torch a little, so it is set where it is another one.
    elsewhere = torch.get_default_device().type != "cpu"
    device = torch.device("cpu") if elsewhere else nullcontext()
    with torch.inference_mode(False), torch.enable_grad(), device, torch.random.fork_rng(devices=[]):
        torch.set_default_dtype(precision)
        try:
            yield
        finally:
            torch.set_default_dtype(before)


def precision_of(module: nn.Module) -> torch.dtype:
    """Return the precision in which a module is asked: float64 where it has such weights, else float32."""
    double = any(one.dtype == torch.float64 for one in module.parameters())
    return torch.float64 if double else torch.float32
