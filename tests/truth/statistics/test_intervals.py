"""Intervals of the motion audit hold what they promise, and recognition does not depend on how often it was tried."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from scipy.special import ndtri
from scipy.stats import rankdata
from scipy.stats import t as student

from reportgen.analyses.common.intervals import Estimate, auroc_interval, mean_over_clips, ratio_over_clips
from reportgen.analyses.motion.motion_audit import probe_clips
from reportgen.analyses.weight_gradients.ordering import accuracy_interval
from reportgen.records.answers.motion import Probe

AUDITS = 1000
Floats = NDArray[np.float64]


def coverage(found: list[Estimate | None], truth: float) -> float:
    """The share of intervals that hold the truth; next to all must have bounds."""
    bounds = [(one.low, one.high) for one in found if one is not None and one.low is not None and one.high is not None]
    assert len(bounds) >= 0.95 * len(found)
    return float(np.mean([low <= truth <= high for low, high in bounds]))


def shares(generator: np.random.Generator, clips: int) -> Floats:
    """Shares of a logit that are lost: skewed, as those of a clip's are, with the mean 0.6."""
    return generator.beta(6, 4, (AUDITS, clips))


@pytest.mark.parametrize("clips", [5, 10, 20])
def test_intervals_of_a_mean_over_clips_cover_it_in_95_of_100_audits(clips: int) -> None:
    generator = np.random.default_rng(clips)
    for drawn, truth in ((generator.normal(0.4, 0.2, (AUDITS, clips)), 0.4), (shares(generator, clips), 0.6)):
        found = [mean_over_clips(row) for row in drawn.tolist()]
        assert coverage(found, truth) == pytest.approx(0.95, abs=0.02)


@pytest.mark.parametrize("clips", [5, 10, 20])
def test_intervals_of_a_ratio_over_clips_cover_it_in_95_of_100_audits(clips: int) -> None:
    generator = np.random.default_rng(10 + clips)
    wholes = {
        "normal": generator.normal(4, 1, (AUDITS, clips)),
        "skewed": generator.lognormal(1, 0.5, (AUDITS, clips)),
    }
    for whole in wholes.values():
        parts = whole * shares(generator, clips)
        found = [ratio_over_clips(*rows) for rows in zip(parts.tolist(), whole.tolist(), strict=True)]
        assert coverage(found, 0.6) == pytest.approx(0.95, abs=0.02)


@pytest.mark.parametrize("clips", [5, 10, 20])
@pytest.mark.parametrize("others", [20, 135])
def test_intervals_of_an_auroc_cover_it_in_95_of_100_audits(clips: int, others: int) -> None:
    """Each audit has a truth of its own."""
    generator = np.random.default_rng(clips)
    truths = generator.uniform(0.5, 1, 4 * AUDITS)
    own, rest = (generator.standard_normal((count, len(truths))) for count in (clips, others))
    sums = rankdata(np.concatenate([own + np.sqrt(2) * ndtri(truths), rest]), axis=0)[:clips].sum(0)
    low, high = auroc_interval((sums - clips * (clips + 1) / 2) / (clips * others), clips, others)
    assert float(((low <= truths) & (truths <= high)).mean()) == pytest.approx(0.95, abs=0.02)


@pytest.mark.parametrize("clips", [5, 10, 20])
def test_intervals_of_an_accuracy_cover_it_in_95_of_100_audits(clips: int) -> None:
    """Each audit has a truth of its own: a count takes few values, so that at a single one coverage goes in steps."""
    generator = np.random.default_rng(clips)
    truths = generator.uniform(0, 1, AUDITS)
    right = (generator.random((clips, AUDITS)) < truths).sum(0)
    ends = [accuracy_interval((np.arange(clips) < count).astype(float)) for count in range(clips + 1)]
    low, high = np.array(ends)[right].T
    assert float(((low <= truths) & (truths <= high)).mean()) == pytest.approx(0.95, abs=0.02)


def test_the_interval_of_an_auroc_of_1_does_not_end_there() -> None:
    low, high = auroc_interval(np.array([1.0, 0.0]), 5, 40)
    assert high[0] == 1
    assert low[0] < 0.9
    assert (low[1], high[1]) == (pytest.approx(1 - high[0]), pytest.approx(1 - low[0]))


def test_the_interval_of_a_mean_is_student_s() -> None:
    found = mean_over_clips([1.0, 2.0, 3.0, 4.0, 5.0])
    half = student.ppf(0.975, 4) * 0.5**0.5
    assert found == Estimate(3.0, pytest.approx(3 - half), pytest.approx(3 + half))


def test_where_all_clips_have_the_same_whole_a_ratio_s_interval_is_that_of_the_mean() -> None:
    parts = [0.2, 0.5, 0.4, 0.9, 0.3]
    mean, ratio = mean_over_clips(parts), ratio_over_clips([2 * part for part in parts], [2.0] * 5)
    assert mean is not None
    assert ratio == Estimate(pytest.approx(mean.value), pytest.approx(mean.low), pytest.approx(mean.high))


def test_fewer_than_five_clips_have_no_interval() -> None:
    assert mean_over_clips([]) is None
    assert mean_over_clips([0.1, 0.2, 0.3, 0.4]) == Estimate(0.25)
    assert ratio_over_clips([1.0] * 4, [2.0] * 4) == Estimate(0.5)


def test_a_ratio_of_nothing_is_none_and_one_of_nearly_nothing_has_no_interval() -> None:
    assert ratio_over_clips([1.0] * 5, [0.0] * 5) is None
    assert ratio_over_clips([1.0, 2.0, 1.0, 2.0, 1.0], [-3.0, 3.0, -2.0, 3.0, 0.0]) == Estimate(7.0)


def test_recognition_is_the_share_of_the_variants_and_not_the_best_of_them() -> None:
    def probe(*ranks: int) -> Probe:
        return Probe(logits=(0.0,) * len(ranks), ranks=ranks, predicted=("a",) * len(ranks), what="")

    assert probe(0, 3, 1, 2).recognised == 0.25
    assert probe(0, 3, 1, 2, 0, 3, 1, 2).recognised == 0.25, "more draws do not make it likelier"


@pytest.mark.parametrize("frames", [2, 3, 8, 9, 16])
def test_half_speed_mixes_all_frames_alike_and_repeats_none(frames: int) -> None:
    ramp = torch.arange(float(frames)).view(1, 1, frames, 1, 1).expand(1, 1, frames, 2, 2)
    half = probe_clips(ramp)["half_speed"][0, 0, :, 0, 0]
    assert torch.allclose(half.diff(), torch.full((frames - 1,), 0.5))
    assert float(half.mean()) == pytest.approx((frames - 1) / 2, abs=0.25), "it is the middle of the clip"
    apart = (half - half.round()).abs()
    assert torch.allclose(apart, torch.full((frames,), 0.25)), "each lies a quarter from its nearest frame"


def test_double_speed_goes_twice_as_fast_with_one_cut() -> None:
    ramp = torch.arange(8.0).view(1, 1, 8, 1, 1).expand(1, 1, 8, 2, 2)
    double = probe_clips(ramp)["double_speed"][0, 0, :, 0, 0]
    assert double.diff().tolist() == [2, 2, 2, -6, 2, 2, 2]
