"""Figures and options as a table shows them."""

from __future__ import annotations

from reportgen.pages.motion_audit import verdict_in_words
from reportgen.pages.probes import ClassProbes
from reportgen.pages.summary import metric_rows


def test_a_table_shows_short_lists_and_counts_long_ones() -> None:
    metrics = {
        "none": None,
        "no_clips": [],
        "no_options": {},
        "untrained": True,
        "steps": 1500,
        "models": ["i3d", "c3d"],
        "curve": [0.5] * 7,
        "pairs": [[1, 2]],
        "check": {"a": 1, "b": 2},
    }
    assert dict(metric_rows(metrics)) == {
        "none": "–",
        "no clips": "–",
        "no options": "–",
        "untrained": "yes",
        "steps": "1\u202f500",
        "models": "i3d, c3d",
        "curve": "7 values (in the record)",
        "pairs": "1 value (in the record)",
        "check": "2 values (in the record)",
    }


def test_what_classes_need_is_said_of_one_as_of_many() -> None:
    one, other = (
        ClassProbes(class_index=i, clips=1, motion_reliance=reliance, kept={}) for i, reliance in ((0, 0.06), (1, 0.7))
    )
    assert verdict_in_words((one,)) == "The one class that was probed loses 6% of its logit when nothing moves."
    assert verdict_in_words((one, other)).startswith("Of 2 classes, 1 lose")
    assert verdict_in_words(()).startswith("Nothing can be said of classes")
