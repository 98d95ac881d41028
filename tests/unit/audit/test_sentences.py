"""What stands beside a kernel's headline follows from its figures by fixed rules."""

from __future__ import annotations

from dataclasses import replace

import pytest

from reportgen.audit.limits import Limits
from reportgen.audit.sentences import evidence, reservations
from reportgen.reading.figures import KernelFigures

MOVING = KernelFigures(
    activation=12.3,
    best_real=5.0,
    reference_clips=56,
    explained_variance=0.93,
    evidence_share=0.6,
    mean_speed=1.4,
    activation_kept=0.95,
)


def test_a_sound_kernel_has_no_reservations() -> None:
    assert reservations(MOVING, Limits()) == []


def test_what_the_moved_texture_leaves_out_is_said_of_what_is_one() -> None:
    (said,) = reservations(replace(MOVING, activation_kept=0.4), Limits())
    assert said == "The moved texture keeps only 40% of the activation: part of it is missing."
    assert reservations(replace(MOVING, activation_kept=0.4, explained_variance=0.3), Limits()) == []


def test_the_evidence_is_a_multiple_of_the_best_real_clip() -> None:
    assert evidence(MOVING, Limits()) == "Activation 12.3 is 2.5 times that of the best of 56 reference clips."


@pytest.mark.parametrize("best", [0.0, -1.5])
def test_a_ratio_to_a_clip_that_does_not_drive_the_kernel_is_not_formed(best: float) -> None:
    figures = replace(MOVING, best_real=best)
    assert figures.times_best is None
    assert "none of 56 reference clips drives this kernel above zero" in evidence(figures, Limits())


def test_without_reference_clips_there_is_no_comparison() -> None:
    assert "nothing to compare" in evidence(replace(MOVING, reference_clips=0, best_real=None), Limits())


def test_without_a_synthetic_clip_there_is_no_evidence() -> None:
    assert evidence(KernelFigures(), Limits()) == "No synthetic clip was computed for this kernel."
