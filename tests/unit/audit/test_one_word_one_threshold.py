"""The same word has the same threshold in every place that says it."""

from __future__ import annotations

import pytest

from reportgen.audit.limits import Limits
from reportgen.audit.sentences import hides_motion
from reportgen.pages.motion_audit import kernels_in_words, verdict_in_words
from reportgen.reading.figures import KernelFigures
from reportgen.records.answers.motion import ClassProbes, LayerProbes, ModelProbes
from reportgen.records.targets import Target

STILL = {"mean_speed": 0.0, "evidence_share": 0.6, "explained_variance": 0.95}


@pytest.mark.parametrize(("asked", "relying"), [(0.3, 1), (0.5, 0)])
def test_one_limit_says_of_classes_and_kernels_whether_they_rely_on_motion(asked: float, relying: int) -> None:
    limits = Limits(motion_reliance=asked)
    classes = tuple(ClassProbes(target=Target.of(i), clips=5, motion_reliance=0.4 * i) for i in (0, 1))
    layer = LayerProbes(
        left={}, quartiles=None, measured=2, clip=(0, 0), response=(1.0, 1.0), kept={"frozen": (1.0, 0.6)}
    )
    probes = ModelProbes(clips=5, of=5, labelled=5, names=("a",), classes=classes, layers={"x": layer})
    assert f"{relying} rely on motion" in verdict_in_words(classes, limits)
    assert f"Of 2 kernels that clips drive, {relying} (" in kernels_in_words(probes, limits)
    assert hides_motion(KernelFigures(real_kept_frozen=0.6, **STILL), limits) is bool(relying)
