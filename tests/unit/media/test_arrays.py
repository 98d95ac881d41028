"""Arrays in files are read back as they were, and a file that claims to hold more than it may is refused unread."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path

import numpy as np
import pytest

from reportgen.errors import StoreError
from reportgen.media import arrays
from reportgen.media.arrays import npz_bytes, read_data


def test_arrays_are_read_as_they_were_written(tmp_path: Path) -> None:
    (tmp_path / "a.npz").write_bytes(npz_bytes({"b": np.arange(6.0).reshape(2, 3), "a": np.array([True])}))
    found = read_data(tmp_path / "a.npz", "a")
    assert found["b"].tolist() == [[0, 1, 2], [3, 4, 5]]
    with pytest.raises(StoreError, match="it has no c"):
        read_data(tmp_path / "a.npz", "c")


def test_a_small_file_that_unpacks_to_a_large_one_is_refused_before_it_is_unpacked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "bomb.npz").write_bytes(npz_bytes({"zeros": np.zeros(1 << 20)}))
    assert (tmp_path / "bomb.npz").stat().st_size < 1 << 16
    monkeypatch.setattr(arrays, "MOST_UNPACKED", 1 << 20)
    with pytest.raises(StoreError, match="its arrays would take 8388736 bytes"):
        read_data(tmp_path / "bomb.npz")


def test_a_header_that_claims_more_than_its_member_holds_is_damage(tmp_path: Path) -> None:
    header = io.BytesIO()
    np.lib.format.write_array_header_1_0(header, {"shape": (1 << 40,), "fortran_order": False, "descr": "<f8"})
    with zipfile.ZipFile(tmp_path / "claims.npz", "w") as archive:
        archive.writestr("a.npy", header.getvalue() + b"\0" * 64)
    with pytest.raises(StoreError, match="is damaged"):
        read_data(tmp_path / "claims.npz")
