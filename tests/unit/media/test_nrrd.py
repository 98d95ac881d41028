"""NRRD files: what was written is read back, by the format's own rules."""

from __future__ import annotations

import numpy as np
import pytest

from reportgen.media.nrrd import nrrd_file
from tests.nrrd import read_nrrd


@pytest.mark.parametrize("kind", [np.float32, np.uint8])
def test_what_was_written_is_read_back(kind: type[np.generic]) -> None:
    values = np.arange(2 * 3 * 4 * 5).reshape(2, 3, 4, 5).astype(kind)
    written = nrrd_file(values, ("x", "y", "tap in time", "filter"), listed=1, limits=(-0.1, 1 / 3))
    fields, read = read_nrrd(written)
    assert fields["sizes"] == "5 4 3 2", "the fastest axis first"
    assert fields["kinds"] == "domain domain domain list"
    assert fields["spacings"] == "1 1 1 nan"
    assert fields["labels"] == '"x" "y" "tap in time" "filter"'
    assert (float(fields["old min"]), float(fields["old max"])) == (-0.1, 1 / 3)
    np.testing.assert_array_equal(read.transpose(), values)
    again = nrrd_file(values, ("x", "y", "tap in time", "filter"), listed=1, limits=(-0.1, 1 / 3))
    assert again == written, "equal bytes each time"


@pytest.mark.parametrize("values", [np.zeros((2, 2)), np.full((2, 2), np.nan, np.float32), np.zeros(4, np.float32)])
def test_what_it_cannot_hold_is_refused(values: np.ndarray) -> None:
    with pytest.raises(ValueError, match="NRRD takes finite"):
        nrrd_file(values, ("x", "y"))
