"""Figures and options as a table shows them."""

from __future__ import annotations

from reportgen.reading.format import metric_rows


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
