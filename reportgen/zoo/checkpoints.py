"""Reading checkpoints."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor


@dataclass(frozen=True)
class Checkpoint:
    """The tensors of a file of weights, by name."""

    tensors: dict[str, Tensor]
    container: str
    file_sha256: str


def read_checkpoint(path: Path) -> Checkpoint:
    import hashlib

    if path.suffix == ".safetensors":
        from safetensors.torch import load_file

        t = load_file(path)
    else:
        t = torch.load(path, weights_only=True, map_location="cpu")
    return Checkpoint(t, "state_dict", hashlib.sha256(path.read_bytes()).hexdigest())
