"""Hypothesis tests on concepts: how often nothing is called something, and something found."""

from __future__ import annotations

import math
from itertools import combinations

import numpy as np
import pytest
import torch
from scipy.special import ndtri
from scipy.stats import mannwhitneyu, rankdata
from torch import nn

from reportgen import concept_tests
from reportgen.analyses.common.rank_sums import RankFigures, RankSums
from reportgen.analyses.concepts.rank_tests import RankTests
from reportgen.records.discovery import false_discovery

#: How far apart the means of two normal distributions of one variance lie at an AUROC of 0.9.
AT_AUROC_09 = math.sqrt(2) * float(ndtri(0.9))


def compared(own: RankFigures, others: RankFigures) -> RankTests:
    return RankTests.of(own, others, np.concatenate([own, others]).std(0) == 0)


@pytest.mark.long
def test_of_900_kernels_without_and_100_with_an_effect_few_are_called_falsely_and_most_are_found() -> None:
    rng = np.random.default_rng(7)
    false, power = [], []
    for _ in range(200):
        own, others = rng.standard_normal((2, 50, 1000))
        own[:, 900:] += AT_AUROC_09
        called = np.asarray(false_discovery(compared(own, others).p.tolist())) <= 0.05
        false.append(called[:900].sum() / max(called.sum(), 1))
        power.append(called[900:].mean())
    assert np.mean(false) <= 0.05 + 2 * np.std(false) / math.sqrt(len(false))
    assert np.mean(false) > 0.01  # the test is no more cautious than it must be
    assert np.mean(power) >= 0.9


#: Clips of the concept and of the reference, the share of clips that drive a kernel at all, and where p comes from.
NULLS = [
    (6, 9, 1.0, "exact"),
    (50, 50, 0.04, "exact"),
    (60, 400, 0.1, "exact"),
    (10, 3000, 1.0, "bound"),
    (50, 3000, 0.08, "bound"),
    (200, 300, 0.5, "normal"),
]


@pytest.mark.parametrize(("own", "others", "share", "method"), NULLS)
def test_without_an_effect_p_is_small_no_more_often_than_it_says(
    own: int, others: int, share: float, method: str
) -> None:
    rng = np.random.default_rng(own)
    draws = 1000
    responses = np.where(rng.random((own + others, draws)) < share, rng.exponential(size=(own + others, draws)), 0.0)
    found = compared(responses[:own], responses[own:])
    assert set(found.methods) <= {method, "none"}
    p = np.nan_to_num(found.p, nan=1.0)
    for level in (0.1, 0.05, 0.01):
        assert (p <= level).mean() <= level + 3 * math.sqrt(level * (1 - level) / draws)


def test_the_normal_approximation_would_call_a_rarely_driven_kernel_far_too_often() -> None:
    """Why ties are counted: 3 of 100 clips drive the kernel, all of them of the concept."""
    own, others = np.zeros((2, 50, 1))
    own[:3, 0] = (1, 2, 3)
    exact = compared(own, others).p[0]
    assert exact == pytest.approx(2 * math.comb(97, 47) / math.comb(100, 50))
    assert mannwhitneyu(own, others, method="asymptotic").pvalue[0] < exact / 2


def test_p_is_that_of_all_draws_one_by_one() -> None:
    rng = np.random.default_rng(3)
    for trial in range(40):
        n, m = int(rng.integers(1, 6)), int(rng.integers(3, 8))
        values = rng.integers(0, 4, n + m) if trial % 2 else rng.random(n + m)
        ranks = np.round(2 * rankdata(values)).astype(np.int64)
        sums = np.array([ranks[list(chosen)].sum() for chosen in combinations(range(n + m), n)])
        seen = ranks[:n].sum()
        expected = min(1.0, 2 * min((sums <= seen).mean(), (sums >= seen).mean()))
        null = RankSums(np.sort(ranks), n)
        assert null.two_sided(ranks[:n, None])[0] == pytest.approx(expected, abs=1e-12)


def test_it_is_scipy_s_where_scipy_has_it() -> None:
    rng = np.random.default_rng(0)
    own, others = rng.normal(0.5, 1, (8, 40)), rng.normal(0, 1, (20, 40))
    exact = mannwhitneyu(own, others, method="exact")
    found = compared(own, others)
    assert found.p == pytest.approx(exact.pvalue, rel=1e-9)
    assert found.auroc == pytest.approx(exact.statistic / 160)
    own, others = rng.integers(0, 30, (300, 10)).astype(float), rng.integers(0, 30, (700, 10)).astype(float)
    assert compared(own, others).p == pytest.approx(mannwhitneyu(own, others, method="asymptotic").pvalue, rel=1e-9)


def test_a_kernel_that_responds_alike_to_every_clip_has_no_p() -> None:
    own, others = np.ones((9, 2)), np.ones((20, 2))
    own[0, 1] = math.nan
    found = compared(own, others)
    assert np.isnan(found.p).all()
    assert found.auroc[0] == 0.5
    assert np.isnan(found.auroc[1])


@pytest.mark.parametrize("apart", [0.0, AT_AUROC_09, 3.0])
def test_the_interval_holds_the_true_auroc_in_95_of_100_draws(apart: float) -> None:
    rng = np.random.default_rng(11)
    draws = 2000
    own, others = rng.standard_normal((12, draws)) + apart, rng.standard_normal((40, draws))
    found = compared(own, others)
    truth = 0.5 * (1 + math.erf(apart / 2))
    assert ((found.low <= truth) & (truth <= found.high)).mean() >= 0.94
    assert (found.high[found.auroc == 1] == 1).all()
    assert (found.low[found.auroc == 1] < 0.9).all()  # and not 1, as a bootstrap would have it


class Planted(nn.Module):
    """Sixteen random kernels of unit norm, the sixth of them the concept's pattern."""

    def __init__(self, pattern: torch.Tensor) -> None:
        super().__init__()
        self.conv = nn.Conv3d(3, 16, (3, 5, 5), bias=False)
        with torch.no_grad():
            weights = torch.randn(16, *pattern.shape, generator=torch.Generator().manual_seed(1))
            weights[5] = pattern
            weights -= weights.mean((1, 2, 3, 4), keepdim=True)
            self.conv.weight.copy_(weights / weights.flatten(1).norm(dim=1).view(-1, 1, 1, 1, 1))

    def forward(self, clips: torch.Tensor) -> torch.Tensor:
        return self.conv(clips).relu().mean((2, 3, 4))


def test_the_kernel_that_was_planted_for_a_concept_leads() -> None:
    """Clips as large as a kernel: half of all responses are zero, and the concept moves one kernel by five deviations.

    The other kernels see the concept's pattern by chance alone.
    """
    generator = torch.Generator().manual_seed(4)
    pattern = torch.randn(3, 3, 5, 5, generator=generator)
    network = Planted(pattern)
    clips = 0.5 + 0.1 * torch.randn(60, 3, 3, 5, 5, generator=generator)
    clips[:20] += 0.5 * network.conv.weight[5].detach()
    found = concept_tests(network, {"pattern": clips[:20]}, clips[20:])["pattern"]
    layer = found.layers["conv"]
    assert found.leading(1) == [("conv", 5)]
    assert layer.rank[5] == 1
    assert layer.auroc[5] >= 0.99
    assert layer.score[5] > 3
    assert layer.q[5] <= 1e-6
    assert (np.delete(layer.q, 5) > 0.05).sum() >= 14
    assert set(layer.methods) == {"exact"}
