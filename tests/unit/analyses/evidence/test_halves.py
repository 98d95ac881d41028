"""Tests of the figures of label words on clips that had no part in choosing them."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest
import scipy
import torch
from numpy.typing import NDArray

from reportgen.analyses.common.ranking import column_ranks
from reportgen.analyses.evidence.halves import mann_whitney
from reportgen.analyses.evidence.word_nulls import max_null, permutations


def _tested(responses: NDArray[np.float64], inside: NDArray[np.bool_]) -> NDArray[np.float64]:
    return mann_whitney(column_ranks(torch.from_numpy(responses)).numpy(), inside)


@pytest.mark.parametrize("values", [2, 3, 1000])  # many ties, and none
@pytest.mark.parametrize("own", [2, 4, 7])
def test_p_is_the_share_of_all_draws_that_lead_as_much(values: int, own: int) -> None:
    generator = np.random.default_rng(0)
    responses = generator.permuted(np.arange(9 * 5).reshape(9, 5) % values, axis=0).astype(float)
    inside = generator.permuted(np.repeat(np.arange(9)[:, None] < own, 5, axis=1), axis=0)
    ranks = scipy.stats.rankdata(responses, axis=0)
    draws = np.array(list(combinations(range(9), own)))
    sums = ranks[draws].sum(1)

    expected = (sums >= np.where(inside, ranks, 0).sum(0) - 1e-9).mean(0)
    np.testing.assert_allclose(_tested(responses, inside), expected, rtol=1e-9)


def test_of_many_clips_it_is_what_normal_theory_says() -> None:
    generator = np.random.default_rng(0)
    responses, inside = generator.random((2000, 6)), generator.random((2000, 6)) < 0.3

    expected = [
        scipy.stats.mannwhitneyu(column[own], column[~own], alternative="greater", method="asymptotic").pvalue
        for column, own in zip(responses.T, inside.T, strict=True)
    ]
    np.testing.assert_allclose(_tested(responses, inside), expected, rtol=1e-2)


def test_equal_responses_and_what_is_no_number_tell_nothing() -> None:
    responses = np.full((9, 2), 5.0)
    responses[3, 1] = np.nan
    inside = np.repeat(np.arange(9)[:, None] < 4, 2, axis=1)

    assert _tested(responses, inside) == pytest.approx([1.0, 1.0])


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
