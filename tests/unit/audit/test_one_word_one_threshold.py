"""The same word has the same threshold in every place that says it."""

from __future__ import annotations

import pytest

from reportgen.audit.heard import heard
from reportgen.audit.limits import Limits
from reportgen.audit.moving import relies_on_motion
from reportgen.pages.motion_audit import kernels_in_words, verdict_in_words
from reportgen.reading.figures import KernelFigures
from reportgen.records.answers.motion import ClassProbes, LayerProbes, ModelProbes
from reportgen.records.targets import Target

STILL = {"mean_speed": 0.0, "evidence_share": 0.6, "explained_variance": 0.95}


@pytest.mark.parametrize(("asked", "relying"), [(0.3, 1), (0.5, 0)])
def test_one_limit_says_of_classes_and_kernels_whether_they_rely_on_motion(asked: float, relying: int) -> None:
    limits = Limits(motion_reliance=asked)
    classes = tuple(ClassProbes(target=Target.of(i), clips=5, measured=5, motion_reliance=0.4 * i) for i in (0, 1))
    kept = dict.fromkeys(("frozen", "dissolved"), (1.0, 0.6))
    layer = LayerProbes(left={}, measured=2, clip=(0, 0), response=(1.0, 1.0), kept=kept)
    probes = ModelProbes(clips=5, of=5, labelled=5, names=("a",), classes=classes, layers={"x": layer})
    assert ("1 relies on motion" if relying else "Neither of 2 classes relies") in verdict_in_words(classes, limits)
    assert f"Of 2 kernels that clips drive, {relying} (" in kernels_in_words(probes, limits)
    (frozen,) = heard(KernelFigures(real_kept_frozen=0.6, **STILL), limits)
    assert (frozen.says == "against") is bool(relying)


def test_what_keeps_its_answer_to_a_clip_that_changes_and_does_not_move_relies_on_no_motion() -> None:
    assert relies_on_motion(0.9, 0.9, Limits())
    assert relies_on_motion(0.9, None, Limits())
    assert not relies_on_motion(0.9, 0.2, Limits())
    row = ClassProbes(target=Target.of(0), clips=5, measured=5, motion_reliance=0.9, dissolved_loss=0.2)
    said = verdict_in_words((row, row.model_copy(update={"dissolved_loss": 0.8})), Limits())
    assert "1 relies on motion" in said
    assert "1 more loses at least 50% in a still clip" in said
