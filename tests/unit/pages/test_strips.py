"""Where each row of frames lies in a sprite."""

from __future__ import annotations

import pytest

from reportgen.pages.strips import Strip


@pytest.mark.parametrize(
    ("frames", "rows"),
    [
        (1, [(1, 1, 0.0)]),
        (5, [(1, 5, 0.0)]),
        (16, [(1, 8, 0.0), (9, 16, 100.0)]),
        (20, [(1, 8, 0.0), (9, 16, 50.0), (17, 20, 100.0)]),
    ],
)
def test_rows_of_frames(frames: int, rows: list[tuple[int, int, float]]) -> None:
    assert Strip("clip.webp", 64, 48, frames, "a clip").rows == rows
