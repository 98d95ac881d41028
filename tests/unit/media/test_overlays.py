"""Frames seen from the side, one behind the other."""

from __future__ import annotations

import numpy as np

from reportgen.media.overlays import stacked


def test_the_first_frame_stands_in_front_and_around_it_is_nothing() -> None:
    frames = np.zeros((3, 20, 20, 3), np.uint8)
    frames[0], frames[1], frames[2] = 10, 20, 30
    picture = stacked(frames)
    assert picture.shape == (26, 21, 4)  # 20 + 30% high; 45% wide and two steps of 30%
    shown = picture[13, :, 0]
    assert list(dict.fromkeys(shown.tolist())) == [10, 20, 30]
    assert (shown == 10).sum() == 9  # whole, where the others are partly hidden
    assert picture[0, 0, 3] == 0
    assert picture[13, 0, 3] == 255


def test_of_many_frames_the_first_and_the_last_are_shown() -> None:
    frames = np.broadcast_to(np.arange(64, dtype=np.uint8)[:, None, None, None], (64, 10, 10, 3))
    picture = stacked(frames, most=5)
    assert set(np.unique(picture[..., 0][picture[..., 3] > 0])) == {0, 16, 32, 47, 63}
