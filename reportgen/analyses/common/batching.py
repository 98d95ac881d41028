"""How many samples a device can take at once, and where reduced precision pays."""

from __future__ import annotations

import os
from collections.abc import Callable

import torch
from torch import Tensor, nn

_CPU_SHARE, _GPU_SHARE = 0.25, 0.8
_CPU_MOST_BYTES = 2 * 2**30
_CPU_MOST_SLOTS, _GPU_MOST_SLOTS = 8, 256
_BACKWARD = 2.0
"""A backward pass needs about as much again as the forward pass has kept."""


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


def slots_for(bytes_each: int, device: torch.device) -> int:
    """Return how many samples of that size the device takes at once: at least one.

    A quarter of a machine's free memory is used and at most 2 GiB, four fifths of a GPU's; a CPU gains nothing from
    more than 8 samples.
    """
    needed = max(1, int(bytes_each * _BACKWARD))
    if device.type == "cuda":
        free, _ = torch.cuda.mem_get_info(device)
        return max(1, min(_GPU_MOST_SLOTS, int(free * _GPU_SHARE) // needed))
    free = os.sysconf("SC_AVPHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    return max(1, min(_CPU_MOST_SLOTS, min(int(free * _CPU_SHARE), _CPU_MOST_BYTES) // needed))


def reduced_precision_pays(device: torch.device) -> bool:
    """Return whether the device computes convolutions faster in bfloat16 than in float32.

    On a CPU only matrix units for bfloat16 make up for the conversions: without them it was measured 4 times slower.
    """
    if device.type == "cuda":
        return bool(torch.cuda.is_bf16_supported())
    return device.type == "cpu" and bool(torch.cpu.get_capabilities().get("amx_bf16", False))
