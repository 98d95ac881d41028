"""Arrays by name in one file (.npz), equal bytes for equal arrays."""

from __future__ import annotations

import io
import zipfile
import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from reportgen.errors import StoreError

_EPOCH = (1980, 1, 1, 0, 0, 0)
"""The earliest time that a zip file can state: numpy's own writer would put the present one there."""

MOST_UNPACKED = 1 << 30
"""Bytes that the arrays of one file may have unpacked, 1 GiB: a small file of a received run may claim to hold more."""

_DAMAGES = (OSError, ValueError, EOFError, MemoryError, RuntimeError, zipfile.BadZipFile, zlib.error)
"""What reading raises: MemoryError for a header that asks for more than there is, RuntimeError for encryption."""


def npz_bytes(arrays: Mapping[str, NDArray[Any]]) -> bytes:
    """Return the arrays, in the order of their names, as a compressed .npz file; no Python objects."""
    return zip_bytes({f"{name}.npy": _npy(arrays[name]) for name in arrays}, effort=3)


def zip_bytes(members: Mapping[str, bytes], *, effort: int = 6) -> bytes:
    """Return files, in the order of their names, as a compressed zip archive, equal bytes for equal files."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name in sorted(members):
            info = zipfile.ZipInfo(name, _EPOCH)
            info.external_attr = 0o644 << 16
            archive.writestr(info, members[name], compress_type=zipfile.ZIP_DEFLATED, compresslevel=effort)
    return buffer.getvalue()


def _npy(array: NDArray[Any]) -> bytes:
    member = io.BytesIO()
    np.lib.format.write_array(member, np.ascontiguousarray(array), allow_pickle=False)
    return member.getvalue()


def read_data(path: Path, *names: str) -> dict[str, NDArray[Any]]:
    """Return the arrays of an .npz file by name.

    Raises StoreError when it cannot be read, or one of `names` is not in it.
    """
    try:
        with path.open("rb") as file, np.load(file, allow_pickle=False) as archive:
            unpacked = sum(member.file_size for member in archive.zip.infolist())
            if unpacked > MOST_UNPACKED:
                raise ValueError(f"its arrays would take {unpacked} bytes, over {MOST_UNPACKED}")
            found = {name: archive[name] for name in archive.files}
    except _DAMAGES as error:
        raise StoreError(f"{path} is damaged ({error}): remove it and compute again.") from error
    if missing := sorted({*names} - found.keys()):
        raise StoreError(f"{path} is damaged (it has no {missing[0]}): remove it and compute again.")
    return found
