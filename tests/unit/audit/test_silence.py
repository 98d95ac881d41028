"""Kernels that clips barely drive have no ratios, and are grouped apart: shares of almost nothing rank nothing."""

from __future__ import annotations

from dataclasses import replace

import pytest

from reportgen.audit.heard import heard
from reportgen.audit.kernel_badges import kernel_verdicts
from reportgen.audit.limits import Limits
from reportgen.audit.sentences import evidence
from reportgen.audit.silence import known_reliance, known_times, near_silent
from reportgen.pages.motion_audit import kernels_in_words, near_silent_kernels
from reportgen.reading.figures import KernelFigures
from reportgen.records.answers.motion import LayerProbes, ModelProbes
from reportgen.records.answers.relative import of_median

LIMITS = Limits()
FIGURES = KernelFigures(activation=8.0, best_real=0.001, reference_clips=56, mean_speed=1.0, real_kept_frozen=1544.0)
BARELY = replace(FIGURES, response_of_median=0.02, best_of_median=0.05)


def test_the_median_is_over_the_kernels_that_clips_drive() -> None:
    assert of_median([4.0, 2.0, 0.1, 0.0, None, -3.0]) == (2.0, 1.0, 0.05, None, None, None)
    assert of_median([]) == ()
    assert of_median([0.0, None]) == (None, None)


@pytest.mark.parametrize(("of", "silent"), [(None, False), (0.0999, True), (0.1, False), (3.0, False)])
def test_a_kernel_is_near_silent_beside_its_layer(of: float | None, silent: bool) -> None:
    assert near_silent(of, LIMITS) is silent


def test_no_ratio_is_told_of_a_near_silent_kernel() -> None:
    assert known_reliance(FIGURES, LIMITS) == -1543.0
    assert known_times(FIGURES, LIMITS) == pytest.approx(8000)
    assert known_reliance(BARELY, LIMITS) is None
    assert known_times(BARELY, LIMITS) is None
    assert known_times(BARELY, Limits(near_silent=0.01)) == pytest.approx(8000)
    said = evidence(BARELY, LIMITS)
    assert "barely drive this kernel" in said
    assert "5.0% of its layer's median, under the 10%" in said
    assert "8000" not in said.replace(",", "")


def test_a_near_silent_kernel_is_neither_for_nor_against_its_synthetic_clip_s_motion() -> None:
    moving = {"mean_speed": 1.0, "evidence_share": 0.6, "explained_variance": 0.95}
    for speed in (1.0, 0.0):
        told = replace(FIGURES, **{**moving, "mean_speed": speed})
        assert [one.says for one in heard(told, LIMITS)] == ["against" if speed else "for"]
        assert heard(replace(told, response_of_median=0.02), LIMITS) == []
    motion = {verdict.name: verdict for verdict in kernel_verdicts(BARELY, LIMITS)}["motion as in reference clips"]
    assert motion.state == "untested"
    assert "barely drive it" in motion.meaning


def test_near_silent_kernels_are_counted_apart() -> None:
    kept = dict.fromkeys(("frozen", "dissolved"), (0.1, 1.0, 0.0, None))
    layer = LayerProbes(left={}, measured=3, clip=(0,) * 4, response=(4.0, 4.0, 0.1, 0.0), kept=kept)
    probes = ModelProbes(clips=5, of=5, labelled=5, names=("a",), classes=(), layers={"x": layer})
    assert near_silent_kernels(layer, LIMITS) == {2}
    said = kernels_in_words(probes, LIMITS)
    assert "Of 2 kernels that clips drive, 1 (50%)" in said
    assert "Not counted: 1 near-silent kernel, driven to less than 10%" in said
    assert "near-silent" not in kernels_in_words(probes, Limits(near_silent=0.01))
