"""Two answers are the same within a stated tolerance, and what is forged beyond it is named."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from reportgen.media import write_figure
from reportgen.proof.likeness import deviations
from reportgen.records.figures import ClipFigure, DataFigure, Figure, JsonFigure
from reportgen.records.jobs import Done
from reportgen.records.store import Store


def places(theirs: dict[str, Any], ours: dict[str, Any], tolerance: float = 0.01) -> list[str]:
    store = Store(Path("nowhere"))
    found = deviations((store, Done(answer=theirs)), (store, Done(answer=ours)), tolerance)
    return [one.place for one in found]


ANSWER = {"activation": 2.0, "beats": True, "steps": 12, "words": ["a", "b"], "curve": [0.0, 0.5, 1.0], "none": None}


def test_rounding_is_no_difference() -> None:
    assert places(ANSWER, ANSWER) == []
    assert places({**ANSWER, "activation": 2.01}, ANSWER) == []
    assert places({**ANSWER, "curve": [0.004, 0.5, 1.0]}, ANSWER) == [], "within a hundredth of the list's largest"
    assert places({"p": 1e-9}, {"p": 3e-9}) == []


@pytest.mark.parametrize(
    ("name", "value", "place"),
    [
        ("activation", 2.05, "activation"),
        ("activation", float("nan"), "activation"),
        ("activation", "2.0", "activation"),
        ("beats", False, "beats"),
        ("steps", 13, "steps"),
        ("words", ["a", "c"], "words[1]"),
        ("words", ["a"], "words"),
        ("curve", [0.0, 0.52, 1.0], "curve[1]"),
        ("curve", [0.0, None, 1.0], "curve[1]"),
        ("none", 0.5, "none"),
        ("more", 1, "more"),
    ],
)
def test_what_is_more_than_rounding_is_named(name: str, value: Any, place: str) -> None:
    assert places({**ANSWER, name: value}, ANSWER) == [place]
    assert places(ANSWER, {**ANSWER, name: value}) == [place]


def answered(folder: Path, figure: Figure) -> tuple[Store, Done]:
    store = Store(folder)
    return store, Done(artifacts=tuple(write_figure(store, "media/x/y", "role", figure)))


def test_files_are_compared_by_what_they_show(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    clip = np.repeat(np.repeat(rng.random((8, 3, 3, 3)), 8, axis=1), 8, axis=2)
    figures: list[tuple[Figure, Figure, Figure]] = []
    patch = clip.copy()
    patch[:, 4:14, 4:14] = 1 - patch[:, 4:14, 4:14].round()
    figures.append((ClipFigure(clip), ClipFigure(np.clip(clip + 0.004, 0, 1)), ClipFigure(patch)))
    values = rng.random((5, 6)).astype(np.float32)
    figures.append(
        (DataFigure({"a": values}, "d"), DataFigure({"a": values * 1.001}, "d"), DataFigure({"a": values + 0.1}, "d"))
    )
    figures.append(
        (JsonFigure({"a": [0.1, 0.2]}, "j"), JsonFigure({"a": [0.1, 0.2001]}, "j"), JsonFigure({"a": [0.1, 0.3]}, "j"))
    )
    for number, (figure, near, far) in enumerate(figures):
        ours = answered(tmp_path / f"{number}-ours", figure)
        assert deviations(answered(tmp_path / f"{number}-near", near), ours, 0.01) == []
        found = deviations(answered(tmp_path / f"{number}-far", far), ours, 0.01)
        assert found, number
        assert all(one.times > 1 for one in found)


def test_files_that_a_site_left_behind_are_left_out(tmp_path: Path) -> None:
    ours = answered(tmp_path / "ours", DataFigure({"a": np.zeros(3)}, "d"))
    store, done = answered(tmp_path / "theirs", DataFigure({"a": np.ones(3)}, "d"))
    for artifact in done.artifacts:
        store.path(artifact).unlink()
    assert deviations((store, done), ours, 0.01) == []
    assert hashlib.sha256(b"").hexdigest() not in {artifact.sha256 for artifact in done.artifacts}
