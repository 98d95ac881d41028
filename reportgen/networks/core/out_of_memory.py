"""Telling memory that ran out from other errors."""

from __future__ import annotations

import torch

from reportgen.errors import OutOfMemoryError


def is_out_of_memory(error: BaseException) -> bool:
    """Return whether torch or Python raised this because memory ran out."""
    if isinstance(error, (torch.OutOfMemoryError, MemoryError)):
        return True
    # The CPU allocator has no error class of its own.
    return isinstance(error, RuntimeError) and "DefaultCPUAllocator" in str(error)


def out_of_memory() -> OutOfMemoryError:
    """Return the error for a single kernel that memory does not suffice for."""
    return OutOfMemoryError(
        "Memory ran out on a single kernel: choose a smaller clip_shape, fewer facets or an earlier layer."
    )
