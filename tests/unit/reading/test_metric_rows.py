"""Figures and options as a table shows them."""

from __future__ import annotations

from reportgen.reading.format import answer_rows, metric_rows
from reportgen.records.answers.decomposition import DecompositionAnswer


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


def test_figures_of_an_answer_say_what_they_are_and_in_which_unit() -> None:
    answer = DecompositionAnswer.model_validate(
        {"psnr": 31.5, "explained_variance": 0.9, "mean_speed": 1.4, "direction_degrees": 90.0}
        | {"direction_coherence": 1.0, "speed_p99": 2.0}
    )
    rows = dict(answer_rows(answer))
    assert rows["PSNR: of the reconstruction, in dB"] == "31.5"
    assert rows["mean speed: in px/frame"] == "1.4"
    assert all(": " in name for name in rows), "none is a bare key"
