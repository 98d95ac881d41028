"""Damage to files, seeded: what a bad disk, a stopped copy or a stranger's editor leaves."""

from __future__ import annotations

import pickle
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np


def spoiled(whole: bytes, seed: int) -> bytes:
    """Return a file's content with one damage of six kinds, by the seed.

    Up to 200 bytes somewhere in it are left out, set to zeros, doubled or replaced by noise; one bit is turned over; or
    the file ends there.
    """
    random = np.random.default_rng(seed)
    start, length = int(random.integers(len(whole) or 1)), int(random.integers(1, 200))
    part, kind = whole[start : start + length], seed % 6
    if kind == 5:
        return whole[:start]
    flipped = bytes([part[0] ^ 1 << int(random.integers(8)), *part[1:]]) if part else b""
    changed = (b"", bytes(len(part)), part + part, random.bytes(len(part)), flipped)[kind]
    return whole[:start] + changed + whole[start + length :]


def spoil(folder: Path, seed: int) -> Path:
    """Damage one file of a folder, or, by every seventh seed, remove it; return which."""
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    path = files[int(np.random.default_rng([seed]).integers(len(files)))]
    if seed % 7 == 0:
        path.unlink()
    else:
        path.write_bytes(spoiled(path.read_bytes(), seed))
    return path


def checkpoints_of(state: dict[str, Any]) -> dict[str, bytes]:
    """Return a state dict of tensors as a file of each form that holds one."""
    import torch
    from safetensors.torch import save

    def saved(new: bool) -> bytes:
        stream = BytesIO()
        torch.save(state, stream, _use_new_zipfile_serialization=new)
        return stream.getvalue()

    arrays = {"blobs": {name: value.numpy() for name, value in state.items()}}
    return {
        "zip": saved(new=True),
        "stream": saved(new=False),
        "pickle": pickle.dumps(arrays, protocol=2),
        "safetensors": save(state),
    }
