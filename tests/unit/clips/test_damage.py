"""Damage in the middle of a video is said wherever the container, time stamps, the decoder or a checksum tell of it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import av
import numpy as np
import pytest

from benchmarks.damage import FORMS, FRAMES, KINDS, SAID, SAME, WRONG, Form, damaged, frames_of, outcome, write_video
from reportgen.clips.video import VideoSource
from reportgen.errors import ClipError

#: What nothing tells of, as the table of docs/clips.md says.
UNTOLD = {
    "zeros": {"flv"},
    "noise": {"libx264", "libx265", "libvpx", "libvpx-vp9", "flv"},
    "one bit": {form.codec for form in FORMS if form.codec != "ffv1"},
}

Whole = Callable[[Form], tuple[bytes, "np.ndarray[tuple[int, ...], np.dtype[np.uint8]]"]]


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Whole:
    folder = tmp_path_factory.mktemp("whole")
    made: dict[Form, tuple[bytes, np.ndarray[tuple[int, ...], np.dtype[np.uint8]]]] = {}

    def make(form: Form) -> tuple[bytes, np.ndarray[tuple[int, ...], np.dtype[np.uint8]]]:
        if form not in made:
            if form.codec not in av.codecs_available:
                pytest.skip(f"this FFmpeg has no {form.codec}")
            path = write_video(folder, form)
            made[form] = path.read_bytes(), frames_of(path)
        return made[form]

    return make


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("form", FORMS, ids=str)
def test_damage_is_said_where_anything_tells_of_it(form: Form, kind: str, whole: Whole, tmp_path: Path) -> None:
    content, frames = whole(form)
    path = tmp_path / f"damaged.{form.suffix}"
    path.write_bytes(damaged(content, kind, 0))
    allowed = {SAID, SAME, WRONG} if form.codec in UNTOLD[kind] else {SAID, SAME}
    assert outcome(path, frames) in allowed


@pytest.mark.long
@pytest.mark.parametrize("seed", range(1, 20))
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("form", FORMS, ids=str)
def test_damage_elsewhere_is_said_too(form: Form, kind: str, seed: int, whole: Whole, tmp_path: Path) -> None:
    content, frames = whole(form)
    path = tmp_path / f"damaged.{form.suffix}"
    path.write_bytes(damaged(content, kind, seed))
    allowed = {SAID, SAME, WRONG} if form.codec in UNTOLD[kind] else {SAID, SAME}
    assert outcome(path, frames) in allowed


@pytest.mark.parametrize("form", [form for form in FORMS if form.suffix in ("webm", "mkv", "ts")], ids=str)
def test_what_lies_before_the_damage_is_still_read(form: Form, whole: Whole, tmp_path: Path) -> None:
    content, frames = whole(form)
    middle = len(content) // 2
    path = tmp_path / f"half.{form.suffix}"
    path.write_bytes(content[:middle] + bytes(len(content) // 20) + content[middle + len(content) // 20 :])
    source = VideoSource(path)
    before = np.stack([np.asarray(frame) for frame in source.read(range(12))])
    assert np.abs(before.astype(int) - frames[:12]).max() == 0
    with pytest.raises(ClipError, match=r"damaged|decoded"):
        list(source.read(range(min(FRAMES, source.count))))


def test_a_recording_that_begins_between_two_key_frames_begins_with_the_second(whole: Whole, tmp_path: Path) -> None:
    form = next(form for form in FORMS if form.suffix == "ts")
    content, frames = whole(form)
    path = tmp_path / "cut.ts"
    path.write_bytes(content[188 * (len(content) // 3 // 188) :])
    read = frames_of(path)
    assert 0 < len(read) < FRAMES
    assert np.abs(read.astype(int) - frames[-len(read) :]).max() == 0
