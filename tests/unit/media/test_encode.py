from __future__ import annotations

import io
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import av
import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from reportgen.errors import StoreError
from reportgen.media import gif_bytes, png_bytes, poster_bytes, sprite_bytes, write_mp4
from reportgen.media.encode import (
    FINE_QUALITY,
    FINE_SPEED,
    LEAST_SIMILARITY,
    frames_of,
    side_by_side,
    sprite_size,
    to_uint8,
)
from reportgen.media.figures import figure_files
from reportgen.media.similarity import similarity
from reportgen.records.figures import ClipFigure
from reportgen.records.jobs import SPRITE_COLUMNS


def clip(count: int, height: int = 24, width: int = 32, seed: int = 0) -> NDArray[np.uint8]:
    """Smooth frames, each with its number as a grey block in the upper left corner."""
    rng = np.random.default_rng(seed)
    small = Image.fromarray(rng.integers(0, 256, (4, 4, 3)).astype(np.uint8)).resize((width, height))
    frames = np.stack([np.roll(np.asarray(small), number, axis=1) for number in range(count)])
    for number in range(count):
        frames[number, :8, :8] = number * 7
    return frames


def opened(content: bytes) -> Image.Image:
    return Image.open(io.BytesIO(content))


def frames_of_bytes(content: bytes, count: int, height: int, width: int) -> NDArray[np.uint8]:
    with TemporaryDirectory() as folder:
        path = Path(folder) / "sprite"
        path.write_bytes(content)
        return frames_of(path, count, height, width)


class TestSprites:
    @pytest.mark.parametrize("count", [1, 5, 8, 9, 16, 17])
    def test_the_layout_is_as_documented_and_frames_are_near(self, count: int) -> None:
        frames = clip(count)
        sheet = np.asarray(opened(sprite_bytes(frames)).convert("RGB")).astype(int)
        columns = min(count, SPRITE_COLUMNS)
        rows = -(-count // columns)
        assert sheet.shape == (rows * 24, columns * 32, 3)
        for number in range(count):
            top, left = number // columns * 24, number % columns * 32
            error = np.abs(sheet[top : top + 24, left : left + 32] - frames[number])
            assert error.mean() < 4
            assert np.percentile(error, 99) < 30
        if rows * columns > count:
            assert sheet[(rows - 1) * 24 :, (count % columns) * 32 :].mean() < 4

    def test_error_is_kept_low_where_there_is_most_detail(self) -> None:
        """Of noise every bit costs: an encoder that cares for looks left it at 23 dB with as many bytes."""
        rng = np.random.default_rng(0)
        coarse = rng.random((3, 14, 14, 3)).repeat(4, 1).repeat(4, 2)
        frames = to_uint8(np.clip(0.5 * coarse + 0.5 * rng.random((3, 56, 56, 3)), 0, 1))
        asked = (sprite_bytes(frames), sprite_bytes(frames, FINE_QUALITY))
        errors = [frames_of_bytes(one, 3, 56, 56).astype(float) - frames for one in asked]
        plain, fine = (10 * np.log10(255**2 / np.square(error).mean()) for error in errors)
        assert plain > 27
        assert fine > plain + 3

    def test_clips_made_from_nothing_are_as_coarse_as_their_likeness_allows(self) -> None:
        """Stripes bear the coarsest picture; weak noise would be gone from it, and gets a finer one."""
        x = np.arange(48)
        stripes = np.stack([0.5 + 0.5 * np.sin(2 * np.pi * (x + x[:, None] - t) / 9) for t in range(4)])
        weak = 0.5 + 0.08 * np.random.default_rng(0).standard_normal((4, 48, 48))
        at = {}
        for name, frames in (("stripes", stripes), ("weak", weak)):
            pixels = to_uint8(frames[..., None])
            content = next(figure_files(ClipFigure(pixels), "a")).content
            shown = side_by_side(frames_of_bytes(content, 4, 48, 48))
            assert similarity(shown, side_by_side(pixels)) >= LEAST_SIMILARITY
            at[name] = [len(sprite_bytes(pixels, q, repeated=True)) for q in (30, 40, 45, 50, 60)].index(len(content))
        assert at["stripes"] == 0 < at["weak"]

    def test_those_of_the_clips_in_question_are_finest(self) -> None:
        frames = clip(2, 160, 160)
        sizes = [len(next(figure_files(ClipFigure(frames, fine=fine), "a")).content) for fine in (False, True)]
        assert sizes[1] == len(sprite_bytes(frames, FINE_QUALITY, repeated=True, speed=FINE_SPEED)) > sizes[0]

    def test_what_a_clip_shows_more_than_once_is_encoded_once(self) -> None:
        """Noise that moves on: the second row of frames shows what the first one did, and is not like a screen."""
        noise = to_uint8(np.clip(np.random.default_rng(0).normal(0.5, 0.15, (64, 64, 3)), 0, 1))
        frames = np.stack([np.roll(noise, 3 * number, axis=1) for number in range(16)])
        plain, repeated = sprite_bytes(frames), next(figure_files(ClipFigure(frames), "a")).content
        assert len(repeated) < 0.6 * len(plain)
        assert repeated == next(figure_files(ClipFigure(frames), "a")).content
        shown = [frames_of_bytes(one, 16, 64, 64).astype(float) for one in (plain, repeated)]
        errors = [np.square(one - frames).mean() for one in shown]
        assert errors[1] < 1.05 * errors[0]

    def test_colours_keep_every_pixel(self) -> None:
        """Lines of red and blue, one pixel wide: with halved colours both would be violet."""
        frames = np.zeros((2, 32, 32, 3), np.uint8)
        frames[:, :, ::2, 0], frames[:, :, 1::2, 2] = 255, 255
        shown = frames_of_bytes(sprite_bytes(frames), 2, 32, 32).astype(int)
        assert np.abs(shown - frames).mean() < 12

    @pytest.mark.parametrize("count", [1, 8, 11])
    def test_frames_come_back_from_a_sprite_in_their_order(self, count: int) -> None:
        frames = clip(count, 40, 56)
        shown = frames_of_bytes(sprite_bytes(frames), count, 40, 56).astype(int)
        assert shown.shape == frames.shape
        errors = [[np.abs(one[:8, :8] - other[:8, :8]).mean() for other in frames] for one in shown]
        assert [int(np.argmin(row)) for row in errors] == list(range(count))

    def test_transparent_pixels_come_back_grey(self) -> None:
        frames = np.zeros((3, 16, 16, 4), np.uint8)
        frames[..., 0], frames[:, :, 8:, 3] = 255, 255
        shown = frames_of_bytes(sprite_bytes(frames), 3, 16, 16).astype(int)
        assert np.abs(shown[:, :, :6] - 128).max() < 24
        assert np.abs(shown[:, :, 10:] - (255, 0, 0)).max() < 40

    @pytest.mark.parametrize(("content", "count"), [(b"no picture", 3), (None, 4), (None, 20)])
    def test_a_file_that_is_no_such_sprite_is_refused(self, tmp_path: Path, content: bytes | None, count: int) -> None:
        path = tmp_path / "a.avif"
        path.write_bytes(sprite_bytes(clip(3)) if content is None else content)
        with pytest.raises(StoreError, match=r"a\.avif is damaged"):
            frames_of(path, count, 24, 32)

    def test_large_frames_are_near(self) -> None:
        frames = clip(3, 144, 160)
        sheet = np.asarray(opened(sprite_bytes(frames)).convert("RGB")).astype(int)
        assert np.abs(sheet[:, 160:320] - frames[1]).mean() < 3

    def test_a_sheet_beyond_what_browsers_take_is_made_of_smaller_frames(self) -> None:
        assert sprite_size(16, 224, 224) == (224, 224)
        assert sprite_size(8, 10, 4000) == (5, 2047)
        frames = np.zeros((2, 4, 9000, 3), np.uint8)
        height, width = sprite_size(*frames.shape[:3])
        assert opened(sprite_bytes(frames)).size == (2 * width, height)
        assert 2 * width <= 16383


class TestGifs:
    def test_order_timing_and_exact_colours_of_simple_clips(self) -> None:
        frames = np.zeros((12, 16, 16, 3), np.uint8)
        for number in range(12):
            frames[number] = (number * 20, 255 - number * 20, number)
        gif = opened(gif_bytes(frames))
        assert (gif.n_frames, gif.info["loop"]) == (12, 0)
        for number in range(12):
            gif.seek(number)
            assert gif.info["duration"] == 100
            assert np.array_equal(np.asarray(gif.convert("RGB")), frames[number])

    def test_rich_clips_are_near_in_every_frame(self) -> None:
        frames = clip(10, 64, 64, seed=3)
        gif = opened(gif_bytes(frames))
        for number in range(10):
            gif.seek(number)
            shown = np.asarray(gif.convert("RGB")).astype(int)
            error = (shown - frames[number].astype(int)).reshape(16, 4, 16, 4, 3).mean(axis=(1, 3))
            assert np.abs(error).mean() < 3, "diffused errors cancel within a few pixels"
            assert abs(shown[:8, :8].mean() - number * 7) < 6

    def test_a_still_clip_lasts_as_long_as_a_moving_one(self) -> None:
        gif = opened(gif_bytes(np.full((7, 8, 8, 3), 90, np.uint8)))
        durations = []
        for number in range(gif.n_frames):
            gif.seek(number)
            durations.append(gif.info["duration"])
        assert sum(durations) == 700


def test_png_is_exact() -> None:
    picture = clip(1)[0]
    assert np.array_equal(np.asarray(opened(png_bytes(picture))), picture)


def test_posters_are_small() -> None:
    content, height, width = poster_bytes(clip(1, 300, 400)[0])
    assert opened(content).size == (width, height) == (160, 120)
    assert poster_bytes(clip(1)[0])[1:] == (24, 32)


class TestPixels:
    def test_floats_are_rounded_and_clipped(self) -> None:
        pixels = np.array([[[-1.0, 0.0, 0.5], [1.0, 2.0, 0.999]]])
        assert to_uint8(pixels).tolist() == [[[0, 0, 128], [255, 255, 255]]]

    def test_grey_becomes_rgb(self) -> None:
        assert to_uint8(np.ones((2, 3, 1))).shape == (2, 3, 3)

    @pytest.mark.parametrize("shape", [(4, 4), (4, 4, 2), (0, 4, 3), (4, 4, 4)])
    def test_other_shapes_are_errors(self, shape: tuple[int, ...]) -> None:
        with pytest.raises(ValueError, match="pixels must be"):
            to_uint8(np.zeros(shape))

    def test_what_is_not_finite_is_an_error(self) -> None:
        with pytest.raises(ValueError, match="finite"):
            to_uint8(np.full((2, 2, 3), np.nan))


@pytest.mark.parametrize("encode", [sprite_bytes, gif_bytes, lambda f: png_bytes(f[0]), lambda f: poster_bytes(f[0])])
def test_equal_frames_give_equal_bytes(encode: Any) -> None:
    assert encode(clip(9, 40, 40)) == encode(clip(9, 40, 40))
    assert encode(clip(9, 40, 40)) != encode(clip(9, 40, 40, seed=1))


class TestMp4:
    def read(self, path: Path) -> NDArray[np.uint8]:
        with av.open(str(path)) as container:
            return np.stack([frame.to_ndarray(format="rgb24") for frame in container.decode(video=0)])

    def test_order_colours_and_even_size(self, tmp_path: Path) -> None:
        frames = np.zeros((6, 33, 47, 3), np.uint8)
        for number in range(6):
            frames[number] = (40 + 30 * number, 180 - 20 * number, 90)
        write_mp4(tmp_path / "a.mp4", frames / 255, loops=2)
        shown = self.read(tmp_path / "a.mp4").astype(int)
        assert shown.shape == (12, 34, 48, 3)
        assert np.abs(shown[:6, :33, :47] - frames).max() <= 8
        assert np.abs(shown[6:, :33, :47] - frames).max() <= 8

    def test_equal_frames_give_equal_bytes(self, tmp_path: Path) -> None:
        frames = clip(8, 48, 64)
        written = set()
        # Among other memory each time: an encoder that reads what nobody wrote gives itself away.
        for number in range(20):
            used = [np.random.default_rng(number).random(10_000 * (number + part)) for part in range(1, 4)]
            write_mp4(tmp_path / "a.mp4", frames)
            written.add((tmp_path / "a.mp4").read_bytes())
            del used
        assert len(written) == 1
