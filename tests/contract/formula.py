"""Deterministic weights and inputs from a formula, and the comparison of tensors with recorded summaries.

A recorded network was filled with these weights and fed this input; whoever builds the same network gets the same
numbers. For an entry `key` of a state dict, `u` is drawn in [0, 1) by PCG64 seeded with crc32(key); then

- `running_var` is 0.5 + u, `running_mean` 0.2 (u - 0.5),
- a one-dimensional `.weight` (the scale of a batch norm) 0.5 + u, any other one-dimensional entry 0.2 (u - 0.5),
- the rest (2u - 1) sqrt(6 / fan_in) gain, where fan_in is the product of all axes but the first,

cast to float32. Integer entries are 0. The input is 2u - 1 with the seed crc32("input").
"""

from __future__ import annotations

import math
import zlib
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

# The code book of a VQ-VAE has entries of its own kind; z_avg is the code book again.
CODE_BOOK = "codebook.embeddings"
SAME_AS = {"codebook.z_avg": CODE_BOOK}


def uniform(key: str, shape: Sequence[int]) -> np.ndarray:
    """Return `u` of the formula, float64 in [0, 1), in C order."""
    return np.random.Generator(np.random.PCG64(zlib.crc32(key.encode()))).random(tuple(shape))


def entry(key: str, shape: Sequence[int], gain: float) -> Tensor:
    """Return the float32 entry `key` of a state dict."""
    if key == "codebook.N":
        return torch.ones(*shape)
    u = uniform(SAME_AS.get(key, key), shape)
    if SAME_AS.get(key, key) == CODE_BOOK:
        values = 2 * u - 1
    elif key.endswith("running_var"):
        values = 0.5 + u
    elif key.endswith("running_mean"):
        values = 0.2 * (u - 0.5)
    elif len(shape) == 1:
        values = 0.5 + u if key.endswith(".weight") else 0.2 * (u - 0.5)
    else:
        values = (2 * u - 1) * math.sqrt(6 / math.prod(shape[1:])) * gain
    return torch.from_numpy(values.astype(np.float32))


def weights(state: Mapping[str, Tensor], gain: float) -> dict[str, Tensor]:
    """Return the formula's weights for the entries of a state dict (which may be on the meta device)."""
    return {
        key: entry(key, value.shape, gain) if value.is_floating_point() else torch.zeros(value.shape, dtype=value.dtype)
        for key, value in state.items()
    }


def clip(shape: Sequence[int]) -> Tensor:
    """Return the formula's input of that shape."""
    return torch.from_numpy((2 * uniform("input", shape) - 1).astype(np.float32))


def fill(module: nn.Module, gain: float) -> nn.Module:
    """Return `module` (it may be on the meta device) with the formula's weights, in evaluation mode."""
    module.load_state_dict(weights(module.state_dict(), gain), strict=True, assign=True)
    return module.eval().requires_grad_(False)


def summary(values: Tensor, first: int) -> dict[str, Any]:
    """Return the summary of a tensor that is recorded: moments, the first values and eight spread ones."""
    flat = values.detach().double().flatten()
    spread = [index * flat.numel() // 8 for index in range(8)]
    return {
        "shape": list(values.shape),
        "mean": float(flat.mean()),
        "std": float(flat.std(unbiased=False)),
        "l2": float(flat.norm()),
        f"first{first}": flat[:first].tolist(),
        "strided8": flat[spread].tolist(),
    }


def distance(values: Tensor, recorded: Mapping[str, Any]) -> float:
    """Return how far a tensor is from its recorded summary, in standard deviations of the recorded one.

    A wrong shape is infinitely far. A scalar has no standard deviation; its own size takes its place.
    """
    first = next(int(name.removeprefix("first")) for name in recorded if name.startswith("first"))
    found = summary(values if values.ndim else values[None], first)
    if found["shape"] != recorded["shape"]:
        return math.inf
    scale = recorded["std"] or abs(recorded["mean"])
    root = math.sqrt(math.prod(recorded["shape"]))
    gaps = [abs(found["mean"] - recorded["mean"]), abs(found["std"] - recorded["std"])]
    gaps.append(abs(found["l2"] - recorded["l2"]) / root)
    for name in (f"first{first}", "strided8"):
        gaps += [abs(a - b) for a, b in zip(found[name], recorded[name], strict=True)]
    return max(gaps) / scale if all(map(math.isfinite, gaps)) else math.inf
