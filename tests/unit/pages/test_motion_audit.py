"""What the motion audit says in words."""

from __future__ import annotations

from reportgen.audit.limits import Limits
from reportgen.pages.motion_audit import mean_in_words, verdict_in_words
from reportgen.reading.words import TARGETS
from reportgen.records.answers.motion import ClassProbes, ModelProbes
from reportgen.records.targets import Target


def test_what_classes_need_is_said_of_one_as_of_many() -> None:
    one, other = (
        ClassProbes(target=Target.of(i), clips=1, measured=1, motion_reliance=reliance, kept={})
        for i, reliance in ((0, 0.06), (1, 0.7))
    )
    assert (
        verdict_in_words((one,), Limits()) == "The one class that was probed loses 6% of its logit when nothing moves."
    )
    assert verdict_in_words((one, other), Limits()).startswith("Of 2 classes, 1 relies on motion (it loses")
    still = verdict_in_words((one, one), Limits())
    assert still.startswith("Neither of 2 classes relies")
    assert still.endswith("and both lose less than 10%.")
    assert verdict_in_words((one, one, one), Limits()).endswith("and all lose less than 10%.")
    assert verdict_in_words((), Limits()).startswith("Nothing can be said of classes")
    negative = one.model_copy(update={"motion_reliance": None})
    assert verdict_in_words((one, negative), Limits(), TARGETS) == (
        "Of 2 targets, one has a positive value: it loses 6% of its value when nothing moves."
    )


def test_a_logit_that_is_larger_when_nothing_moves_does_not_lose() -> None:
    probed = ModelProbes(clips=9, of=9, labelled=0, names=(), classes=(), layers={})
    lost = probed.model_copy(
        update={"motion_reliance": -0.46, "motion_reliance_low": -1.08, "motion_reliance_high": 0.15}
    )
    assert mean_in_words(lost) == (
        "On average over the clips, the logit grows by 46% when nothing moves (95% interval of what it loses "
        "−108% to 15%)."
    )
    assert "the logit loses 46%" in mean_in_words(lost.model_copy(update={"motion_reliance": 0.46}))
