"""Intervals of the motion audit hold what they promise, and recognition does not depend on how often it was tried."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from reportgen.analyses.motion.kernel_motion import interval
from reportgen.analyses.motion.motion_audit import probe_clips
from reportgen.records.answers.motion import Probe


@pytest.mark.parametrize("clips", [5, 10, 20])
def test_intervals_over_clips_cover_the_mean_in_95_of_100_audits(clips: int) -> None:
    generator, held = np.random.default_rng(clips), 0
    for _ in range(1000):
        found = interval("mean", generator.normal(0.4, 0.2, clips).tolist())
        low, high = found["mean_low"], found["mean_high"]
        assert low is not None
        assert high is not None
        held += low <= 0.4 <= high
    assert held / 1000 == pytest.approx(0.95, abs=0.02)


def test_fewer_than_five_clips_have_no_interval() -> None:
    assert interval("mean", [0.1, 0.2, 0.3, 0.4]) == {"mean": 0.25, "mean_low": None, "mean_high": None}


def test_recognition_is_the_share_of_the_variants_and_not_the_best_of_them() -> None:
    def probe(*ranks: int) -> Probe:
        return Probe(logits=(0.0,) * len(ranks), ranks=ranks, predicted=("a",) * len(ranks), what="")

    assert probe(0, 3, 1, 2).recognised == 0.25
    assert probe(0, 3, 1, 2, 0, 3, 1, 2).recognised == 0.25, "more draws do not make it likelier"


def test_half_speed_mixes_neighbouring_frames_and_repeats_none() -> None:
    ramp = torch.arange(8.0).view(1, 1, 8, 1, 1).expand(1, 1, 8, 2, 2) / 8
    half = probe_clips(ramp)["half_speed"][0, 0, :, 0, 0]
    assert torch.allclose(half.diff(), torch.full((7,), 1 / 16))
