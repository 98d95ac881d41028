"""Damage to files, seeded: what a bad disk, a stopped copy or a stranger's editor leaves."""

from __future__ import annotations

from pathlib import Path

import numpy as np


def spoiled(whole: bytes, seed: int) -> bytes | None:
    """Return a file's content with one damage of five kinds, by the seed; None for a file that is gone.

    Up to 200 bytes somewhere in it are left out, set to zeros, doubled or replaced by noise.
    """
    random = np.random.default_rng(seed)
    start, length = int(random.integers(len(whole) or 1)), int(random.integers(1, 200))
    part = whole[start : start + length]
    changed = {0: b"", 1: bytes(len(part)), 2: part + part, 3: random.bytes(len(part)), 4: None}[seed % 5]
    return None if changed is None else whole[:start] + changed + whole[start + length :]


def spoil(folder: Path, seed: int) -> Path:
    """Damage one file of a folder, or remove it; return which."""
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    path = files[int(np.random.default_rng([seed]).integers(len(files)))]
    content = spoiled(path.read_bytes(), seed)
    if content is None:
        path.unlink()
    else:
        path.write_bytes(content)
    return path
