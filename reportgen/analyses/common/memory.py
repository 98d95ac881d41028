"""As much at once as memory holds: a first guess, and half of it whenever it was too much."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from torch import Tensor

from reportgen.errors import OutOfMemoryError
from reportgen.networks.core.out_of_memory import free_memory, is_out_of_memory, release_memory

_VALUES_AT_ONCE = 2**21
"""Pixels times channels that go through the network at once on a CPU, where larger batches gain nothing."""

_BYTES_PER_VALUE = 2048
"""Memory per value of a clip that a device is assumed to need; too low a guess costs a second try."""

_Answer = TypeVar("_Answer")


def starting_batch(clip: Tensor) -> int:
    """Return how many clips like `clip` (1 C T H W) to try at once where it lies."""
    if clip.device.type == "cuda":
        return max(1, int(free_memory(clip.device) / (clip.numel() * _BYTES_PER_VALUE)))
    return max(1, _VALUES_AT_ONCE // clip.numel())


def with_less_memory(compute: Callable[[int], _Answer], batch_size: int, subject: str) -> _Answer:
    """Return `compute(batch_size)`, from the start again with half of the batch whenever memory runs out.

    Raises OutOfMemoryError, naming the `subject`, when it runs out on a batch of one.
    """
    while True:
        try:
            return compute(batch_size)
        except Exception as error:
            if not is_out_of_memory(error):
                raise
            if batch_size == 1:
                raise OutOfMemoryError(
                    f"Memory ran out on a single clip by {subject}: choose a smaller clip or another device."
                ) from error
        release_memory()
        batch_size //= 2
