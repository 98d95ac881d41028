from __future__ import annotations

import json
import os
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from reportgen.clips import Clip, read_clip
from reportgen.clips.framing import fit
from reportgen.clips.sampling import sample_frames
from reportgen.errors import CardError, ClipError, for_pages

from .numbered import frame, spec, write_video


class Numbered:
    """A source of `count` frames that need not be read."""

    title = file_name = "clip"

    def __init__(self, count: int, frame_rate: float | None = 25.0) -> None:
        self.count = count
        self.frame_rate = frame_rate

    def times(self) -> list[float] | None:
        return [index / self.frame_rate for index in range(self.count)] if self.frame_rate else None


class TestSampling:
    @given(count=st.integers(1, 300), wanted=st.integers(1, 20), step=st.integers(1, 9))
    def test_centred_evenly_spaced_and_inside(self, count: int, wanted: int, step: int) -> None:
        source = Numbered(count)
        span = (wanted - 1) * step + 1
        if count < span:
            with pytest.raises(ClipError, match=f"but {span}"):
                sample_frames(source, spec(wanted), frames=None, frame_step=step)
            return
        taken = sample_frames(source, spec(wanted), frames=None, frame_step=step).indices
        assert len(taken) == wanted
        assert all(b - a == step for a, b in pairwise(taken))
        assert 0 <= (count - 1 - taken[-1]) - taken[0] <= 1

    def test_the_card_s_step_and_its_override(self) -> None:
        card = spec(3, frame_step=4)
        assert sample_frames(Numbered(9), card, frames=None, frame_step=None).indices == (0, 4, 8)
        assert sample_frames(Numbered(9), card, frames=None, frame_step=2).indices == (2, 4, 6)

    def test_a_range_begins_where_it_says_or_is_centred_before_its_end(self) -> None:
        assert sample_frames(Numbered(50), spec(4), frames=(10, None), frame_step=None).indices == (10, 11, 12, 13)
        assert sample_frames(Numbered(50), spec(4), frames=(10, 30), frame_step=None).indices == (10, 11, 12, 13)
        assert sample_frames(Numbered(50), spec(4), frames=(None, 10), frame_step=None).indices == (3, 4, 5, 6)
        assert sample_frames(Numbered(50), spec(4), frames=(46, 99), frame_step=None).indices == (46, 47, 48, 49)

    def test_one_frame_is_the_middle_one(self) -> None:
        assert sample_frames(Numbered(9), spec(1), frames=None, frame_step=None).indices == (4,)
        assert sample_frames(Numbered(9), spec(1), frames=(2, None), frame_step=None).indices == (2,)

    @pytest.mark.parametrize(
        ("frames", "step", "message"),
        [
            ((20, None), None, "has 20 frames .0 to 19., so nothing is in the range 20:"),
            ((5, 5), None, "range 5:5 is empty"),
            ((-3, None), None, "counts from the end"),
            ((0, 10), None, "There are 10 frames in the range 0:10 of clip, but 16 are needed: give a longer range"),
            (
                None,
                2,
                r"20 frames in clip, but 31 \(16 frames, 2 apart\) .*: use a frame step of 1 .*'frame_step': 1",
            ),
            (None, 0, "at least 1"),
        ],
    )
    def test_errors_say_what_there_is_and_what_is_needed(
        self, frames: tuple[int | None, int | None] | None, step: int | None, message: str
    ) -> None:
        with pytest.raises(ClipError, match=message):
            sample_frames(Numbered(20), spec(16), frames=frames, frame_step=step)

    @pytest.mark.parametrize("count", [1, 7, 8, 9, 16, 31, 32, 56])
    @pytest.mark.parametrize("frames", [None, (0, None), (1, None)])
    def test_what_the_sentence_says_to_type_works(self, count: int, frames: tuple[int, None] | None) -> None:
        card = spec(8, frame_step=8)
        if frames and frames[0] >= count:
            return
        with pytest.raises(ClipError, match="clip=") as raised:
            sample_frames(Numbered(count), card, frames=frames, frame_step=None)
        fields = json.loads(for_pages(raised.value).partition("--clip-spec '")[2].partition("'")[0])
        adapted = card.model_copy(update=fields)
        sample = sample_frames(Numbered(count), adapted, frames=frames, frame_step=None)
        assert len(sample.indices) == adapted.frames
        wider = adapted.model_copy(update={"frame_step": adapted.frame_step + 1})
        if adapted.frames > 1:
            with pytest.raises(ClipError):
                sample_frames(Numbered(count), wider, frames=frames, frame_step=None)

    def test_too_short_after_resampling_names_the_rate(self) -> None:
        with pytest.raises(ClipError, match="There are 8 frames in clip at 10 frames/s, but 16 are needed"):
            sample_frames(Numbered(20), spec(16, frame_rate=10.0), frames=None, frame_step=None)

    def test_images_have_no_times_to_resample_by(self) -> None:
        sample = sample_frames(Numbered(20, None), spec(16, frame_rate=10.0), frames=None, frame_step=None)
        assert (sample.indices, sample.frame_rate) == (tuple(range(2, 18)), None)


class TestFraming:
    @pytest.mark.parametrize("size", [(340, 256), (256, 340), (131, 97), (112, 112), (50, 30)])
    def test_equals_resize_then_crop(self, size: tuple[int, int]) -> None:
        image = Image.fromarray(np.random.default_rng(0).integers(0, 256, (size[1], size[0], 3)).astype(np.uint8))
        got = fit(np.asarray(image), spec(1, height=112, width=112, resize=128), "x").astype(int)
        scale = 128 / min(size)
        wide, high = round(size[0] * scale), round(size[1] * scale)
        whole = image.resize((wide, high), Image.Resampling.BILINEAR)
        left, top = (wide - 112) // 2, (high - 112) // 2
        expected = np.asarray(whole.crop((left, top, left + 112, top + 112))).astype(int)
        assert np.abs(got - expected).max() <= 1

    def test_shrinking_is_antialiased(self) -> None:
        stripes = np.zeros((256, 256, 3), np.uint8)
        stripes[:, ::2] = 255
        got = fit(stripes, spec(1, height=64, width=64), "x")
        assert np.abs(got[:, 1:-1].astype(int) - 127).max() <= 4

    def test_the_crop_is_covered_whatever_the_shapes(self) -> None:
        high = np.full((100, 40, 3), (10, 200, 30), np.uint8)
        got = fit(high, spec(1, height=20, width=90, resize=20), "x")
        assert got.shape == (20, 90, 3)
        assert np.all(got == (10, 200, 30))

    def test_height_and_width_may_be_given_both(self) -> None:
        image = Image.fromarray(frame(5))
        got = fit(frame(5), spec(1, height=48, width=64, resize=(48, 64)), "x")
        assert np.array_equal(got, frame(5))
        squeezed = fit(frame(5), spec(1, height=64, width=64, resize=(64, 64)), "x")
        assert np.array_equal(squeezed, np.asarray(image.resize((64, 64), Image.Resampling.BILINEAR)))
        with pytest.raises(CardError, match="make `resize` at least as large"):
            fit(frame(5), spec(1, height=48, width=64, resize=(32, 64)), "x")


class TestBadPaths:
    def test_missing_empty_and_special(self, tmp_path: Path) -> None:
        with pytest.raises(ClipError, match="There is no clip at"):
            read_clip(tmp_path / "nothing.mp4", spec(1))
        with pytest.raises(ClipError, match="There is no clip at"):
            read_clip(f"{tmp_path}/nothing.db::video", spec(1))
        with pytest.raises(ClipError, match="path is empty"):
            read_clip("", spec(1))
        (tmp_path / "zero.mp4").touch()
        with pytest.raises(ClipError, match=r"zero\.mp4 is empty \(0 bytes\)"):
            read_clip(tmp_path / "zero.mp4", spec(1))
        os.mkfifo(tmp_path / "pipe")
        with pytest.raises(ClipError, match="neither a file nor a folder"):
            read_clip(tmp_path / "pipe", spec(1))

    def test_a_selector_for_a_file_that_has_one_video(self, tmp_path: Path) -> None:
        path = write_video(tmp_path / "clip.mp4", 3)
        with pytest.raises(ClipError, match="leave out '::x'"):
            read_clip(f"{path}::x", spec(1))

    def test_a_network_of_other_channels(self, tmp_path: Path) -> None:
        with pytest.raises(ClipError, match="clips of 2 channels"):
            read_clip(tmp_path, spec(1, channels=2))


def test_names_are_safe_and_titles_readable(tmp_path: Path) -> None:
    clip = read_clip(write_video(tmp_path / "My clip_(1) é.mp4", 3), spec(1))
    assert clip.name == "My-clip_-1"
    assert clip.title == "My clip (1) é"


def test_the_digest_tells_cuts_apart_and_repeats_itself(tmp_path: Path) -> None:
    path = write_video(tmp_path / "clip.mp4", 30)
    one, again = read_clip(path, spec(4)), read_clip(path, spec(4))
    other = read_clip(path, spec(4), frames=(0, None))
    assert one.digest == again.digest != other.digest
    assert np.array_equal(one.frames, again.frames)


def test_channels_first(tmp_path: Path) -> None:
    clip = read_clip(write_video(tmp_path / "clip.mp4", 3), spec(3))
    assert clip.pixels.shape == (1, 3, 3, 48, 64)
    assert np.array_equal(clip.pixels[0, 1, 2], clip.frames[2, ..., 1])


class TestRealClips:
    def test_video_and_gif(self, real_clips: Path) -> None:
        card = spec(16, height=112, width=112, resize=128)
        video = read_clip(real_clips / "arm_wrestling.mp4", card, frame_step=2)
        assert (video.first_frame, video.frame_step, video.frame_rate) == ((280 - 31) // 2, 2, 28)
        gif = read_clip(real_clips / "cricket_shot.gif", card)
        assert (gif.first_frame, gif.frame_rate) == (31, pytest.approx(25))
        green = gif.frames.mean(axis=(0, 1, 2))
        assert green[1] > green[2], "the pitch is green, not blue"

    def test_folder_and_database_hold_the_same_frames(self, real_clips: Path) -> None:
        card = spec(16, height=112, width=112)
        folder = read_clip(real_clips / "tennis_frames", card)
        assert folder.digest == read_clip(real_clips / "tennis_db", card).digest
        steps = np.abs(np.diff(folder.frames, axis=0)).mean(axis=(1, 2, 3))
        jump = np.abs(folder.frames[-1] - folder.frames[0]).mean()
        assert steps.max() < jump, "consecutive frames differ less than the first and the last"

    def test_too_short(self, real_clips: Path) -> None:
        with pytest.raises(ClipError, match="There are 16 frames in tennis_frames, but 32 are needed"):
            read_clip(real_clips / "tennis_frames", spec(32, height=112, width=112))


def test_a_clip_in_memory_and_its_reference_are_one() -> None:
    clip = Clip("one", np.zeros((1, 3, 2, 4, 4), np.float32), label=2)
    assert clip.reference().load() is clip
    assert (clip.reference().digest, clip.reference().label) == (clip.digest, 2)
    assert clip.digest is clip.digest, "its pixels were hashed twice"
    assert clip.digest != Clip("one", np.zeros((1, 3, 2, 2, 8), np.float32)).digest
    assert np.shares_memory(clip.frames, clip.pixels)
