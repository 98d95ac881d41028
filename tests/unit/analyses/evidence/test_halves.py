"""Tests of the figures of label words on clips that had no part in choosing them."""

from __future__ import annotations

import numpy as np
import pytest
import scipy
import torch

from reportgen.analyses.common.ranking import column_ranks
from reportgen.analyses.evidence.halves import mann_whitney
from reportgen.analyses.evidence.word_nulls import max_null, permutations


@pytest.mark.parametrize("values", [3, 1000])  # many ties, and none
def test_all_kernels_are_tested_at_once_as_scipy_tests_each(values: int) -> None:
    generator = np.random.default_rng(0)
    responses = generator.permuted(np.arange(40 * 6).reshape(40, 6) % values, axis=0).astype(float)
    inside = generator.random((40, 6)) < 0.3
    ranked = column_ranks(torch.from_numpy(responses)).numpy()

    expected = [
        scipy.stats.mannwhitneyu(column[own], column[~own], alternative="greater", method="asymptotic").pvalue
        for column, own in zip(responses.T, inside.T, strict=True)
    ]
    np.testing.assert_allclose(mann_whitney(ranked, inside), expected, rtol=1e-12)


def test_equal_responses_tell_nothing() -> None:
    assert mann_whitney(np.full((9, 1), 5.0), np.arange(9)[:, None] < 4) == pytest.approx([1.0])


def test_permutations_are_those_of_one_by_one_however_many_are_compared_at_once(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    generator = torch.Generator().manual_seed(1)
    ranked = column_ranks(torch.rand((30, 4), generator=generator))
    inside = torch.rand((5, 30), generator=generator) < 0.4
    counts, best = inside.sum(1, keepdim=True), torch.tensor([0.6, 0.7, 0.8, 0.9], dtype=torch.float64)
    drawn, reached = torch.Generator().manual_seed(3), torch.zeros(4)
    for _ in range(permutations(30)):
        own = inside.double() @ ranked[torch.randperm(30, generator=drawn)]
        reached += ((own - counts * (counts + 1) / 2) / (counts * (30 - counts))).amax(0) >= best - 1e-12
    expected = ((1 + reached) / (1 + permutations(30))).tolist()

    assert max_null(ranked, inside, best, seed=3).tolist() == pytest.approx(expected)
    monkeypatch.setattr("reportgen.analyses.evidence.word_nulls._AT_ONCE", 5 * 34 * 7)
    assert max_null(ranked, inside, best, seed=3).tolist() == pytest.approx(expected)
