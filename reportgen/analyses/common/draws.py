"""Random numbers that depend on what they are for, and not on what else is computed beside it."""

from __future__ import annotations

import hashlib
import math

import torch


def own_generator(seed: int, kernel: int, facet: int) -> torch.Generator:
    """Return a facet's own generator: what it draws does not depend on what else is in the batch."""
    digest = hashlib.sha256(f"{seed}/{kernel}/{facet}".encode()).digest()
    return torch.Generator().manual_seed(int.from_bytes(digest[:8], "big") >> 1)


def own_phase(seed: int, kernel: int) -> float:
    """Return the phase, in radians, in which a kernel's simple patterns begin."""
    return 2 * math.pi * float(torch.rand(1, generator=own_generator(seed, kernel, 1)))
