"""What a clip is called in a run: its address, whatever stands beside it."""

from __future__ import annotations

import itertools

import numpy as np

from reportgen.clips.clip import Clip
from reportgen.runner.subject import clip_names


def clip(name: str, shade: float) -> Clip:
    return Clip(name, np.full((1, 3, 2, 4, 4), shade, np.float32))


def test_a_clip_keeps_its_address_in_any_order_and_company() -> None:
    clips = [clip("ball", 0.1), clip("ball", 0.2), clip("dog", 0.1)]
    names = dict(zip(map(id, clips), clip_names(clips), strict=True))
    assert len(set(names.values())) == 3
    for count in (1, 2, 3):
        for order in itertools.permutations(clips, count):
            assert clip_names(order) == [names[id(one)] for one in order]


def test_equal_clips_are_told_apart_by_their_number() -> None:
    first, second, third = clip_names([clip("ball", 0.1)] * 3)
    assert (second, third) == (f"{first}-2", f"{first}-3")
