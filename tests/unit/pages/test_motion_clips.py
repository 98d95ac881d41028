"""The probes as playing clips."""

from __future__ import annotations

from itertools import pairwise

import pytest

from reportgen.pages.motion_clips import one_shuffle


@pytest.mark.parametrize("frames", [2, 3, 4, 8, 16, 33])
def test_a_shuffle_holds_each_frame_once_and_none_behind_its_own(frames: int) -> None:
    order = one_shuffle(frames)
    assert sorted(order) == list(range(frames))
    assert all(after != before + 1 for before, after in pairwise(order))
