"""Memory that one step gives back and the next one takes, without asking the system for it anew."""

from __future__ import annotations

import ctypes
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

# Of glibc's malloc.h; other C libraries have no `mallopt`.
_TRIM_THRESHOLD, _MMAP_MAX = -1, -4
_NEVER, _USUAL_TRIM, _USUAL_MAPS = -1, 128 * 1024, 65536


@dataclass
class _Users:
    """How many contexts are open; the first one sets the C library and the last one sets it back."""

    count: int = 0
    lock: threading.Lock = field(default_factory=threading.Lock)


_USERS = _Users()


@contextmanager
def reused_memory() -> Iterator[None]:
    """Let the C library keep freed memory within the context, and give it back to the system behind it.

    Usually each tensor over some 100 kB is a mapping of its own, which the system fills with zeros page by page when
    it is first written and takes away again when the tensor goes: up to a quarter of the processor time of a step on
    a CPU (`benchmarks/memory.py`). Contexts may be nested; where the C library is not glibc nothing happens.
    """
    library = _glibc()
    if library is None:
        yield
        return
    with _USERS.lock:
        _USERS.count += 1
        if _USERS.count == 1:
            library.mallopt(_MMAP_MAX, 0)
            library.mallopt(_TRIM_THRESHOLD, _NEVER)
    try:
        yield
    finally:
        with _USERS.lock:
            _USERS.count -= 1
            if _USERS.count == 0:
                library.mallopt(_MMAP_MAX, _USUAL_MAPS)
                library.mallopt(_TRIM_THRESHOLD, _USUAL_TRIM)
                library.malloc_trim(0)


def _glibc() -> ctypes.CDLL | None:
    """Return the C library of this process when it is glibc."""
    try:
        library = ctypes.CDLL(None)
    except (OSError, TypeError):  # TypeError: Windows has no library without a name
        return None
    return library if hasattr(library, "gnu_get_libc_version") else None
