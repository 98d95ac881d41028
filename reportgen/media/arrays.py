"""Arrays by name in one file (.npz), equal bytes for equal arrays."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from reportgen.errors import StoreError

_EPOCH = (1980, 1, 1, 0, 0, 0)
"""The earliest time that a zip file can state: numpy's own writer would put the present one there."""


def npz_bytes(arrays: Mapping[str, NDArray[Any]]) -> bytes:
    """Return the arrays, in the order of their names, as a compressed .npz file; no Python objects."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name in sorted(arrays):
            member = io.BytesIO()
            np.lib.format.write_array(member, np.ascontiguousarray(arrays[name]), allow_pickle=False)
            info = zipfile.ZipInfo(f"{name}.npy", _EPOCH)
            info.external_attr = 0o644 << 16
            archive.writestr(info, member.getvalue(), compress_type=zipfile.ZIP_DEFLATED, compresslevel=3)
    return buffer.getvalue()


def read_data(path: Path) -> dict[str, NDArray[Any]]:
    """Return the arrays of an .npz file by name; raises StoreError when it cannot be read."""
    try:
        with path.open("rb") as file, np.load(file, allow_pickle=False) as archive:
            return {name: archive[name] for name in archive.files}
    except (OSError, ValueError, EOFError, zipfile.BadZipFile) as error:
        raise StoreError(f"{path} is damaged ({error}): remove it and compute again.") from error
