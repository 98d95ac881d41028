"""Memory that is kept within the context goes back to the system behind it."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
import torch

from reportgen.networks.speed.reused_memory import _glibc, reused_memory

pytestmark = pytest.mark.skipif(_glibc() is None, reason="the C library is not glibc")

SIZE = 2**26  # bytes


def resident() -> int:
    """Return the bytes of memory that this process holds."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def use_memory() -> None:
    torch.ones(SIZE, dtype=torch.uint8)


def test_freed_memory_is_kept_within_and_given_back_behind() -> None:
    use_memory()
    before = resident()
    with reused_memory():
        with reused_memory():
            use_memory()
        assert resident() - before > SIZE / 2, "the inner context gives nothing back"
    assert resident() - before < SIZE / 4
    use_memory()
    assert resident() - before < SIZE / 4, "as it was before"


def test_an_error_gives_it_back_too() -> None:
    before = resident()
    with pytest.raises(ValueError, match="on the way"), reused_memory():
        use_memory()
        raise ValueError("on the way")
    assert resident() - before < SIZE / 4
