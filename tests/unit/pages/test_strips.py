"""Where each row of frames lies in a sprite."""

from __future__ import annotations

import pytest

from reportgen.pages.strips import Strip


@pytest.mark.parametrize(
    ("frames", "rows"),
    [
        (1, [(0, 0, 0.0)]),
        (5, [(0, 4, 0.0)]),
        (16, [(0, 7, 0.0), (8, 15, 100.0)]),
        (20, [(0, 7, 0.0), (8, 15, 50.0), (16, 19, 100.0)]),
    ],
)
def test_rows_of_frames(frames: int, rows: list[tuple[int, int, float]]) -> None:
    assert Strip("clip.webp", 64, 48, frames, "a clip").rows == rows
