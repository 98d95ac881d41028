"""Telling memory that ran out from other errors, and how much of a device's is to be had."""

from __future__ import annotations

import errno

import torch

from reportgen.errors import OutOfMemoryError

_WORDS = (
    "DefaultCPUAllocator",  # the CPU allocator has no error class of its own
    "CUDA error: out of memory",  # the driver's, of what torch does not allocate itself
    "CUBLAS_STATUS_ALLOC_FAILED",
    "CUDNN_STATUS_ALLOC_FAILED",
    "CUFFT_ALLOC_FAILED",
    "MPS backend out of memory",
    "std::bad_alloc",  # of threads that torch has its libraries start
)


def is_out_of_memory(error: BaseException) -> bool:
    """Return whether torch, one of its libraries or Python raised this because memory ran out.

    What was raised while another error was on its way is told by that one: a recording that memory ended raises an
    error of its own.
    """
    seen: BaseException | None = error
    while seen is not None:
        if isinstance(seen, (torch.OutOfMemoryError, MemoryError)):
            return True
        if isinstance(seen, OSError) and seen.errno == errno.ENOMEM:  # the system's: a file's map, a new process
            return True
        if isinstance(seen, RuntimeError) and any(words in str(seen) for words in _WORDS):
            return True
        seen = seen.__cause__ or seen.__context__
    return False


def out_of_memory() -> OutOfMemoryError:
    """Return the error for a single kernel that memory does not suffice for."""
    return OutOfMemoryError(
        "Memory ran out on a single kernel: choose a smaller clip_shape, fewer facets or an earlier layer."
    )


def free_memory(device: torch.device) -> int:
    """Return the bytes of a GPU that can still be had: those of the driver, and those that torch keeps for reuse."""
    free, _total = torch.cuda.mem_get_info(device)
    return free + torch.cuda.memory_reserved(device) - torch.cuda.memory_allocated(device)


def release_memory() -> None:
    """Give back what torch keeps for reuse on a GPU: pieces that are too small for what comes next."""
    if torch.cuda.is_available():
        torch.cuda.empty_cache()
