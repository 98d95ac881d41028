"""Every verdict has a planted network that passes it and one that fails it: the short version of `benchmarks.nulls`."""

from __future__ import annotations

import pytest

from benchmarks.nulls import CASES, Case
from reportgen.audit.kernel_badges import kernel_verdicts
from reportgen.audit.limits import Limits
from reportgen.audit.maps import map_verdicts
from reportgen.reading.figures import KernelFigures
from reportgen.records.answers.faithfulness import FaithfulnessAnswer, ShuffledWeights
from reportgen.records.targets import Target


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_a_planted_network_passes_and_a_null_one_fails(case: Case) -> None:
    assert any(case.draw(0, planted=True)) or any(case.draw(1, planted=True)), f"nothing passes: {case.planted}"
    nulls = [*case.draw(0, planted=False), *case.draw(1, planted=False)]
    assert sum(nulls) <= 0.25 * len(nulls), f"passes where it must not: {case.null}"


def test_every_badge_of_kernels_and_maps_is_tried_on_nulls() -> None:
    shuffled = ShuffledWeights(layers=("fc",), correlations=(0.0,))
    whole = FaithfulnessAnswer(
        method="smoothgrad", target=Target.of(0), clip="clip", randomisation=shuffled, sensitivity=0.0, stability=1.0
    )
    badges = [*kernel_verdicts(KernelFigures(), Limits()), *map_verdicts(0.0, whole, Limits())]
    tried = {case.verdict.replace("integrated gradients add up", "adds up").partition(":")[0] for case in CASES}
    assert {badge.name for badge in badges} <= tried
