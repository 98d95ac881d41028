"""Torch's random numbers from a seed, and the caller's state given back."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager

import torch


@contextmanager
def drawing_from(seed: int, devices: Iterable[torch.device] = ()) -> Iterator[None]:
    """Draw torch's random numbers from `seed` within the context, on the CPU and on those of `devices` that are GPUs.

    `torch.manual_seed` seeds all devices, also those whose state nobody gives back. For each kind of device that has
    not begun yet it notes a stack trace too, which takes longer than a pass of a small network.
    """
    gpus = sorted({one.index or 0 for one in devices if one.type == "cuda"})
    with torch.random.fork_rng(devices=gpus):
        torch.default_generator.manual_seed(seed)
        for gpu in gpus:
            torch.cuda.default_generators[gpu].manual_seed(seed)
        yield
