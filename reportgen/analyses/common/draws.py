"""Random numbers that depend on what they are for, and not on what else is computed beside it."""

from __future__ import annotations

import hashlib

import torch


def own_generator(seed: int, kernel: int, facet: int) -> torch.Generator:
    """Return a facet's own generator: what it draws does not depend on what else is in the batch."""
    digest = hashlib.sha256(f"{seed}/{kernel}/{facet}".encode()).digest()
    return torch.Generator().manual_seed(int.from_bytes(digest[:8], "big") >> 1)
