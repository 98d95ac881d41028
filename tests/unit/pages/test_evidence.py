"""Real clips beside a kernel: the strongest, the weakest, and some at random."""

from __future__ import annotations

import pytest

from reportgen.pages.evidence import Evidence

CLIPS = [f"clip{i}" for i in range(8)]


@pytest.fixture
def evidence() -> Evidence:
    values = [[float(i), -float(i), float("nan")] for i in range(8)]
    return Evidence.of({"clips": CLIPS, "layers": {"conv": {"values": values}}})


def test_responses_come_strongest_first(evidence: Evidence) -> None:
    assert [driven.clip for driven in evidence.responses("conv", 0)] == CLIPS[::-1]
    assert [driven.clip for driven in evidence.responses("conv", 1)] == CLIPS


def test_strips_hold_the_extremes_and_a_draw_that_stays(evidence: Evidence) -> None:
    strips = evidence.strips("conv", 0)
    assert strips is not None
    assert [driven.value for driven in strips.most] == [7.0, 6.0, 5.0]
    assert [driven.value for driven in strips.least] == [0.0, 1.0, 2.0]
    assert len({driven.clip for driven in strips.random}) == 3
    assert evidence.strips("conv", 0) == strips


def test_percentiles_count_the_clips_below(evidence: Evidence) -> None:
    assert evidence.percentile("conv", 0, 3.5) == 0.5
    assert evidence.percentile("conv", 0, 100.0) == 1.0


@pytest.mark.parametrize(("layer", "kernel"), [("other", 0), ("conv", 9), ("conv", 2)])
def test_what_was_not_measured_has_no_evidence(evidence: Evidence, layer: str, kernel: int) -> None:
    assert evidence.responses(layer, kernel) == []
    assert evidence.strips(layer, kernel) is None
    assert evidence.percentile(layer, kernel, 1.0) is None
