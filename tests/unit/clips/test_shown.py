"""A video's frames as players show them: turned, mirrored, of square pixels, over grey, of the usual range."""

from __future__ import annotations

import struct
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
from numpy.typing import NDArray

from reportgen.clips import read_clip
from reportgen.clips.hdr import HLG, PQ, to_sdr
from reportgen.errors import ClipError

from .numbered import frame, number_of, numbers, patches_of, spec, write_video

ONE, W = 1 << 16, 1 << 30

#: The entries a, b, c and d of a display matrix, and what a person does with a picture to see the same.
TURNS: dict[tuple[int, int, int, int], Callable[[NDArray[Any]], NDArray[Any]]] = {
    (1, 0, 0, 1): lambda picture: picture,
    (0, 1, -1, 0): lambda picture: np.rot90(picture, -1),
    (-1, 0, 0, -1): lambda picture: np.rot90(picture, 2),
    (0, -1, 1, 0): lambda picture: np.rot90(picture, 1),
    (-1, 0, 0, 1): np.fliplr,
    (1, 0, 0, -1): np.flipud,
    (0, 1, 1, 0): lambda picture: np.swapaxes(picture, 0, 1),
    (0, -1, -1, 0): lambda picture: np.swapaxes(np.rot90(picture, 2), 0, 1),
}


def with_matrix(movie: Path, a: int, b: int, c: int, d: int) -> Path:
    data = bytearray(movie.read_bytes())
    place = data.index(b"tkhd") + 44
    data[place : place + 36] = struct.pack(">9i", a, b, 0, c, d, 0, 0, 0, W)
    movie.write_bytes(data)
    return movie


@pytest.mark.parametrize("matrix", TURNS, ids=str)
@pytest.mark.parametrize("scale", [1, 2])
def test_every_turn_and_every_mirror(tmp_path: Path, matrix: tuple[int, int, int, int], scale: int) -> None:
    plain = read_clip(write_video(tmp_path / "plain.mp4", 3), spec(3)).frames
    movie = with_matrix(write_video(tmp_path / "turned.mp4", 3), *(entry * ONE * scale for entry in matrix))
    expected = np.stack([TURNS[matrix](picture) for picture in plain])
    height, width = expected.shape[1:3]
    assert np.array_equal(read_clip(movie, spec(3, height=height, width=width)).frames, expected)


@pytest.mark.parametrize("matrix", TURNS, ids=str)
def test_what_else_a_file_tells_of_its_frames_does_not_hide_their_turn(
    tmp_path: Path, matrix: tuple[int, int, int, int]
) -> None:
    """Pictures with EXIF in them: a kind of side data that PyAV does not know, for which it refuses all kinds."""
    movie = write_video(tmp_path / "exif.mov", 3, codec="tiff", pixels="rgb24")
    with av.open(str(movie)) as container, pytest.raises(ValueError, match="is not a valid Type"):
        dict(next(container.decode(video=0)).side_data)
    expected = np.stack([TURNS[matrix](frame(number) / 255) for number in range(3)])
    height, width = expected.shape[1:3]
    shown = read_clip(with_matrix(movie, *(entry * ONE for entry in matrix)), spec(3, height=height, width=width))
    assert np.abs(shown.frames - expected).max() < 0.01


def test_a_matrix_of_zeros_says_nothing(tmp_path: Path) -> None:
    assert numbers(read_clip(with_matrix(write_video(tmp_path / "a.mp4", 3), 0, 0, 0, 0), spec(3)).frames) == [0, 1, 2]


def test_a_video_that_is_shown_askew_is_refused(tmp_path: Path) -> None:
    half = int(ONE * 0.7071)
    movie = with_matrix(write_video(tmp_path / "askew.mp4", 3), half, half, -half, half)
    with pytest.raises(ClipError, match=r"askew\.mp4 is to be shown askew, by no multiple of 90 degrees"):
        read_clip(movie, spec(3))


@pytest.mark.parametrize("aspect", [(2, 1), (1, 2), (16, 11)])
@pytest.mark.parametrize("turned", [False, True])
def test_pixels_are_square(tmp_path: Path, aspect: tuple[int, int], turned: bool) -> None:
    """A clip of 64 x 48 px whose pixels are not square shows all of its picture in the shape that is meant."""
    across, down = aspect
    movie = write_video(tmp_path / "anamorphic.mp4", 3, options={"crf": "4"}, aspect=Fraction(*aspect))
    width, height = (round(64 * across / down), 48) if across > down else (64, round(48 * down / across))
    if turned:
        with_matrix(movie, 0, ONE, -ONE, 0)
        width, height = height, width
    frames = read_clip(movie, spec(3, height=height, width=width)).frames
    frames = np.rot90(frames, 1, axes=(1, 2)) if turned else frames
    assert numbers(frames) == [0, 1, 2]
    assert np.abs(patches_of(frames[1]) - patches_of(frame(1) / 255)).max() < 12


def two_streams(path: Path, default: int) -> Path:
    """Frames 0, 1 in the first stream and 100, 101 in the second; one of them is marked as the default."""
    with av.open(str(path), "w") as container:
        streams = []
        for place in range(2):
            stream = container.add_stream("libx264", rate=10, options={"crf": "4"})
            stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
            stream.disposition = av.stream.Disposition.default if place == default else av.stream.Disposition.original
            streams.append(stream)
        for place, stream in enumerate(streams):
            for number in range(2):
                container.mux(stream.encode(av.VideoFrame.from_ndarray(frame(100 * place + number), format="rgb24")))
            container.mux(stream.encode())
    return path


@pytest.mark.parametrize("default", [0, 1])
def test_of_several_streams_the_default_one_is_read(tmp_path: Path, default: int) -> None:
    clip = read_clip(two_streams(tmp_path / "two.mkv", default), spec(2))
    assert numbers(clip.frames) == [100 * default, 100 * default + 1]


@pytest.mark.parametrize(("name", "codec", "pixels"), [("a.mov", "qtrle", "argb"), ("a.mov", "png", "rgba")])
def test_transparent_parts_of_a_video_lie_over_grey(tmp_path: Path, name: str, codec: str, pixels: str) -> None:
    picture = np.concatenate([frame(5), np.full((48, 64, 1), 255, np.uint8)], axis=-1)
    picture[24:, :32, 3] = 0
    with av.open(str(tmp_path / name), "w") as container:
        stream = container.add_stream(codec, rate=10)
        stream.width, stream.height, stream.pix_fmt = 64, 48, pixels
        for _ in range(2):
            container.mux(stream.encode(av.VideoFrame.from_ndarray(picture, format="rgba").reformat(format=pixels)))
        container.mux(stream.encode())
    shown = read_clip(tmp_path / name, spec(1)).frames[0]
    assert number_of(shown) == 5
    assert np.allclose(patches_of(shown)[:2], 128, atol=2)
    assert np.allclose(patches_of(shown)[2:], [[50, 60, 200], [220, 200, 40]], atol=2)


class TestHighDynamicRange:
    def grey(self, signal: float, curve: int) -> int:
        pixels = np.full((1, 1, 3), round(signal * 65535), np.uint16)
        shown = to_sdr(pixels, curve, 9)[0, 0]
        assert np.ptp(shown) <= 1, "grey stays grey"
        return int(shown[0])

    @pytest.mark.parametrize(("curve", "white"), [(PQ, 0.5807), (HLG, 0.75)])
    def test_paper_white_is_nearly_white_and_light_below_it_is_kept(self, curve: int, white: float) -> None:
        """The signals of 203 cd/m2, and of a quarter and a tenth of it, are those of ITU-R BT.2408 and BT.2100."""
        assert 235 <= self.grey(white, curve) <= 248
        quarter, tenth = {PQ: (0.4415, 0.3542), HLG: (0.5003, 0.3414)}[curve]
        assert self.grey(quarter, curve) == pytest.approx(255 * 0.25 ** (1 / 2.4), abs=2)
        assert self.grey(tenth, curve) == pytest.approx(255 * 0.10 ** (1 / 2.4), abs=2)
        assert self.grey(0, curve) == 0

    @pytest.mark.parametrize("curve", [PQ, HLG])
    def test_what_is_brighter_is_told_apart_and_does_not_overflow(self, curve: int) -> None:
        shown = [self.grey(signal, curve) for signal in np.linspace(0, 1, 30)]
        assert shown == sorted(shown)
        assert shown[-1] <= 255
        assert self.grey(0.9, curve) > self.grey(0.75, curve) > self.grey(0.6, curve)

    def test_primaries_are_converted(self) -> None:
        red = np.array([[[40000, 0, 0]]], np.uint16)
        assert to_sdr(red, PQ, 9)[0, 0, 0] > to_sdr(red, PQ, 1)[0, 0, 0], "BT.2020's red is redder than BT.709's"
        assert not to_sdr(red, PQ, 9)[0, 0, 1:].any()

    @pytest.mark.parametrize("curve", [PQ, HLG])
    def test_a_video_is_mapped_by_its_tag(self, tmp_path: Path, curve: int) -> None:
        path = tmp_path / "hdr.mkv"
        with av.open(str(path), "w") as container:
            stream = container.add_stream("libx264", rate=10, options={"crf": "1"})
            stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p10le"
            stream.codec_context.color_trc = curve
            stream.codec_context.color_primaries = stream.codec_context.colorspace = 9
            grey = np.full((48, 64, 3), round(255 * (0.4415 if curve == PQ else 0.5003)), np.uint8)
            picture = av.VideoFrame.from_ndarray(grey, format="rgb24").reformat(format="yuv420p10le", dst_colorspace=9)
            for _ in range(2):
                container.mux(stream.encode(picture))
            container.mux(stream.encode())
        shown = read_clip(path, spec(1)).frames[0]
        assert shown.mean() == pytest.approx(0.25 ** (1 / 2.4), abs=0.02)
