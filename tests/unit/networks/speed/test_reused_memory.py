"""Memory that is kept within the context goes back to the system behind it.

Each case has a process of its own: in one that already holds freed memory (any test before this one) a tensor may lie
in it, and what the process holds then says nothing about the context.
"""

from __future__ import annotations

import json

import pytest
from children import run_python

from reportgen.networks.speed.reused_memory import _glibc

pytestmark = pytest.mark.skipif(_glibc() is None, reason="the C library is not glibc")

SIZE = 2**26  # bytes

_PROBE = f"""
import json, os
from pathlib import Path
import torch
from reportgen.networks.speed.reused_memory import reused_memory

held = []

def note():
    held.append(int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE"))

def use_memory():
    torch.ones({SIZE}, dtype=torch.uint8)

use_memory()
note()
"""


def held_after(lines: str) -> list[int]:
    """Return the bytes more than at its start that a fresh process holds at each `note()` of the lines."""
    ended = run_python(f"{_PROBE}{lines}\nprint(json.dumps(held))")
    assert ended.returncode == 0, ended.stderr
    first, *later = json.loads(ended.stdout)
    return [held - first for held in later]


@pytest.mark.slow
def test_freed_memory_is_kept_within_and_given_back_behind() -> None:
    within, behind, as_before = held_after("""
with reused_memory():
    with reused_memory():
        use_memory()
    note()
note()
use_memory()
note()
""")
    assert within > SIZE / 2, "the inner context gives nothing back"
    assert behind < SIZE / 4
    assert as_before < SIZE / 4


@pytest.mark.long
def test_an_error_gives_it_back_too() -> None:
    within, behind = held_after("""
try:
    with reused_memory():
        use_memory()
        note()
        raise ValueError("on the way")
except ValueError:
    pass
note()
""")
    assert within > SIZE / 2
    assert behind < SIZE / 4
