"""The similar and the dissimilar class: found where they are planted, and any other where none is more alike."""

from __future__ import annotations

import numpy as np
from scipy.stats import chisquare

from benchmarks.null_cases.sources import compared_classes

SEEDS = range(200)


def test_planted_classes_are_chosen() -> None:
    found = [compared_classes(seed, planted=True).classes for seed in SEEDS]
    assert np.mean([one["similar"] == 1 for one in found]) >= 0.95
    assert np.mean([one["dissimilar"] == 2 for one in found]) >= 0.95


def test_where_no_class_is_more_alike_each_is_chosen_as_often() -> None:
    found = [compared_classes(seed, planted=False).classes for seed in SEEDS]
    for role in ("similar", "dissimilar"):
        counts = np.bincount([one[role] for one in found if one[role] is not None], minlength=6)[1:]
        assert counts.sum() == len(SEEDS)
        assert chisquare(counts).pvalue > 1e-3, f"{role}: {counts}"
