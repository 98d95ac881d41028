"""Ranks are those of SciPy."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import rankdata

from reportgen.analyses.common.ranking import shared_ranks


@pytest.mark.parametrize("shape", [(0,), (1,), (9,), (40,), (1, 3), (12, 5), (0, 2)])
@pytest.mark.parametrize("values", [2, 5, 10_000])
def test_ranks_are_those_of_scipy(shape: tuple[int, ...], values: int) -> None:
    drawn = np.random.default_rng(values).integers(values, size=shape).astype(float)
    assert np.array_equal(shared_ranks(drawn), rankdata(drawn, axis=0))


def test_what_is_no_number_leaves_no_ranks_beside_it() -> None:
    drawn = np.array([[3.0, np.inf], [np.nan, -np.inf], [1.0, 2.0]])
    assert np.array_equal(shared_ranks(drawn), rankdata(drawn, axis=0), equal_nan=True)
