"""How many samples a device can take at once, and where reduced precision pays."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from typing import TypeVar

import torch
from torch import Tensor, nn

from reportgen.networks.core.out_of_memory import free_memory, is_out_of_memory, release_memory

_CPU_SHARE, _GPU_SHARE = 0.25, 0.8
_CPU_MOST_BYTES = 2 * 2**30
_CPU_MOST_SLOTS, _GPU_MOST_SLOTS = 8, 256
_BACKWARD = 2.0
"""A backward pass needs about as much again as the forward pass has kept."""

_Part = TypeVar("_Part")


def saved_bytes(forward: Callable[[], Tensor], module: nn.Module) -> int:
    """Return how many bytes `forward` keeps for its backward pass beside the parameters of `module`."""
    own = {tensor.untyped_storage().data_ptr() for tensor in (*module.parameters(), *module.buffers())}
    sizes: dict[int, int] = {}

    def note(tensor: Tensor) -> Tensor:
        storage = tensor.untyped_storage()
        if storage.data_ptr() not in own:
            sizes[storage.data_ptr()] = storage.nbytes()
        return tensor

    with torch.enable_grad(), torch.autograd.graph.saved_tensors_hooks(note, lambda tensor: tensor):
        # The result holds what was saved: no storage's address is used twice while it lives.
        result = forward()
        total = sum(sizes.values())
        del result
    return total


def slots_for(bytes_each: int, device: torch.device, *, waiting: int = 0) -> int:
    """Return how many samples of that size the device takes at once: at least one.

    `waiting` are the bytes of what lies in memory for each of them besides.

    A quarter of a machine's free memory is used and at most 2 GiB, four fifths of a GPU's; a CPU gains nothing from
    more than 8 samples.
    """
    needed = max(1, int(bytes_each * _BACKWARD) + waiting)
    if device.type == "cuda":
        return max(1, min(_GPU_MOST_SLOTS, int(free_memory(device) * _GPU_SHARE) // needed))
    free = os.sysconf("SC_AVPHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    return max(1, min(_CPU_MOST_SLOTS, min(int(free * _CPU_SHARE), _CPU_MOST_BYTES) // needed))


def reduced_precision_pays(device: torch.device) -> bool:
    """Return whether the device computes convolutions faster in bfloat16 than in float32.

    On a CPU only instructions for bfloat16, of matrix units or of vectors, make up for the conversions: without them it
    was measured 4 times slower. With those of vectors, one thread of an EPYC of 2022 took a half to a seventh of
    float32's time for convolutions there and back. Older GPUs emulate it, which torch counts as support.
    """
    if device.type == "cuda":
        return bool(torch.cuda.is_bf16_supported(including_emulation=False))
    has = torch.cpu.get_capabilities()
    return device.type == "cpu" and any(has.get(name, False) for name in ("amx_bf16", "avx512_bf16"))


def first_fault(
    parts: Sequence[_Part], slots: int, fault: Callable[[_Part, int], str | None]
) -> tuple[int, str | None]:
    """Return how many slots memory was seen to hold, and the first of the parts' faults with so many, or None.

    `fault` is asked about each part and a number of slots, half of it whenever memory runs out; with a single slot
    that is a fault too.
    """
    while True:
        try:
            return slots, next(filter(None, (fault(part, slots) for part in parts)), None)
        except (RuntimeError, MemoryError) as error:
            if not is_out_of_memory(error):
                raise
        if slots == 1:
            return 1, "memory does not hold the check of its convolutions"
        release_memory()
        slots //= 2
