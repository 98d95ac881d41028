"""What the motion audit says in words."""

from __future__ import annotations

from reportgen.audit.limits import Limits
from reportgen.pages.motion_audit import verdict_in_words
from reportgen.reading.words import TARGETS
from reportgen.records.answers.motion import ClassProbes
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
