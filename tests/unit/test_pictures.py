"""Pictures and animations: what is written is read again, and what is read is what a viewer shows."""

from __future__ import annotations

import io
import struct
import zlib
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image, ImageOps, UnidentifiedImageError

from reportgen.pictures import FORMATS, is_picture, opened_picture, picture_bytes, white_level

#: How each kind is written so that little or nothing is lost, and how far a pixel may be off.
KINDS: dict[str, tuple[dict[str, Any], int]] = {
    "PNG": ({}, 0),
    "GIF": ({}, 0),
    "WEBP": ({"lossless": True}, 0),
    "AVIF": ({"quality": 98, "subsampling": "4:4:4"}, 6),
}


def pictures(count: int) -> NDArray[np.uint8]:
    """Frames T H W 3 of few colours, each with a bright square that moves."""
    frames = np.full((count, 32, 48, 3), (40, 90, 160), np.uint8)
    for number in range(count):
        frames[number, 8:16, 4 * number : 4 * number + 8] = (220, 200, 60)
    return frames


def all_frames(content: bytes) -> NDArray[np.uint8]:
    with opened_picture(io.BytesIO(content)) as picture:
        return np.stack([picture.frame(index) for index in range(picture.count)])


@pytest.mark.parametrize("kind", KINDS)
class TestEveryKind:
    def test_still(self, kind: Any) -> None:
        options, off = KINDS[kind]
        shown = all_frames(picture_bytes(pictures(1)[0], kind, **options))
        assert shown.shape == (1, 32, 48, 3)
        assert np.abs(shown.astype(int) - pictures(1)).max() <= off

    def test_animated_with_the_duration_of_each_frame(self, kind: Any) -> None:
        options, off = KINDS[kind]
        durations = [40, 200, 80, 120, 40]
        content = picture_bytes(pictures(5), kind, duration=durations, loop=0, **options)
        with opened_picture(io.BytesIO(content)) as picture:
            assert (picture.count, picture.height, picture.width) == (5, 32, 48)
            assert [picture.duration(index) for index in range(5)] == durations
        assert np.abs(all_frames(content).astype(int) - pictures(5)).max() <= off

    def test_transparent_parts_lie_over_grey(self, kind: Any) -> None:
        alpha = np.zeros((32, 48, 1), np.uint8)
        alpha[:, 24:] = 255
        pixels = np.concatenate([pictures(1)[0], alpha], axis=-1)
        shown = all_frames(picture_bytes(pixels, kind, **KINDS[kind][0]))[0]
        assert np.abs(shown[:, :23].astype(int) - 128).max() <= 1
        assert np.abs(shown[:, 25:].astype(int) - pixels[:, 25:, :3]).max() <= KINDS[kind][1]

    def test_is_known_by_its_content(self, kind: Any, tmp_path: Path) -> None:
        path = tmp_path / "imageio:astronaut.zip"
        path.write_bytes(picture_bytes(pictures(1)[0], kind))
        assert is_picture(path)
        with opened_picture(path) as picture:
            assert (picture.count, picture.width) == (1, 48)

    def test_ends_where_it_ends(self, kind: Any) -> None:
        content = picture_bytes(pictures(3), kind, duration=100)
        with opened_picture(io.BytesIO(content)) as picture, pytest.raises(EOFError):
            picture.frame(3)


def test_a_picture_that_is_no_part_of_the_animation_is_no_frame() -> None:
    first, *rest = (Image.fromarray(frame) for frame in pictures(4))
    content = io.BytesIO()
    cover = Image.new("RGB", first.size, (255, 0, 255))
    cover.save(content, "PNG", save_all=True, default_image=True, append_images=[first, *rest], duration=50)
    assert np.array_equal(all_frames(content.getvalue()), pictures(4))
    with opened_picture(content) as picture:
        assert [picture.duration(index) for index in range(4)] == [50] * 4


@pytest.mark.parametrize("mode", ["RGB", "L", "P", "1", "RGBA", "I;16"])
@pytest.mark.parametrize("orientation", range(10))
def test_every_orientation_is_upright(mode: str, orientation: int) -> None:
    grey = (np.arange(12).reshape(3, 4) * 20).astype(np.uint8)
    image = Image.fromarray(grey.astype(np.uint16) * 257) if mode == "I;16" else Image.fromarray(grey).convert(mode)
    exif = Image.Exif()
    exif[0x0112] = orientation
    content = io.BytesIO()
    image.save(content, "PNG", exif=exif)
    turned = ImageOps.exif_transpose(Image.open(content))
    expected = np.asarray(turned) // 257 if mode == "I;16" else np.asarray(turned.convert("L"))
    assert np.array_equal(all_frames(content.getvalue())[0][..., 0], expected)


def test_formats_beyond_the_list_are_not_tried() -> None:
    Image.init()
    written = Image.new("RGB", (8, 8))
    for kind in ("TGA", "ICO", "PCX", "SGI", "EPS", "JPEG2000", "PDF", "DDS"):
        assert kind not in FORMATS
        content = io.BytesIO()
        written.save(content, kind)
        with pytest.raises(UnidentifiedImageError), opened_picture(io.BytesIO(content.getvalue())):
            pass


def test_pixels_without_a_stated_range_are_an_error() -> None:
    content = io.BytesIO()
    Image.fromarray(np.ones((4, 4), np.float32)).save(content, "TIFF")
    with opened_picture(content) as picture, pytest.raises(ValueError, match="no stated range"):
        picture.peak(0)


def test_equal_pixels_give_equal_bytes() -> None:
    for kind in ("PNG", "GIF", "WEBP"):
        assert picture_bytes(pictures(4), kind, duration=100) == picture_bytes(pictures(4), kind, duration=100)
    assert picture_bytes(pictures(1)[0], "AVIF") == picture_bytes(pictures(1)[0], "AVIF")


def deep_png(values: NDArray[np.uint16]) -> bytes:
    """Return values H W C (C is 2, 3 or 4) as a PNG of 16 bits a colour, which Pillow cannot write."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    height, width, channels = values.shape
    head = struct.pack(">IIBBBBB", width, height, 16, {2: 4, 3: 2, 4: 6}[channels], 0, 0, 0)
    rows = b"".join(b"\0" + row.astype(">u2").tobytes() for row in values)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")


class TestDeepPictures:
    @pytest.mark.parametrize(("peak", "white"), [(0, 255), (255, 255), (256, 1023), (4095, 4095), (4096, 16383)])
    def test_white_is_that_of_the_least_depth_that_holds_the_brightest(self, peak: int, white: int) -> None:
        assert white_level([0, peak]) == white
        assert white_level([peak, 0xFFFF]) == 0xFFFF

    @pytest.mark.parametrize("bits", [10, 12, 14, 16])
    @pytest.mark.parametrize("kind", ["grey png", "grey tiff", "colours png", "colours tiff"])
    def test_are_scaled_from_all_their_bits(self, kind: str, bits: int) -> None:
        values = np.random.default_rng(0).integers(0, 1 << bits, (6, 8, 3)).astype(np.uint16)
        values[0, 0] = (1 << bits) - 1
        content = io.BytesIO()
        if kind.startswith("grey"):
            values = values[..., :1].repeat(3, axis=-1)
            Image.fromarray(values[..., 0]).save(content, kind.split()[1])
        elif kind == "colours png":
            content.write(deep_png(values))
        else:
            encoder: Any = av.CodecContext.create("tiff", "w")
            encoder.height, encoder.width, encoder.pix_fmt, encoder.time_base = 6, 8, "rgb48le", Fraction(1)
            picture = av.VideoFrame.from_ndarray(values, format="rgb48le")
            content.write(b"".join(bytes(packet) for packet in [*encoder.encode(picture), *encoder.encode(None)]))
        with opened_picture(io.BytesIO(content.getvalue())) as picture:
            assert picture.deep
            assert picture.peak(0) == (1 << bits) - 1
            shown = picture.frame(0, white_level([picture.peak(0)]))
        assert np.array_equal(shown, np.rint(values / ((1 << bits) - 1) * 255))

    def test_alpha_of_deep_colours_is_over_grey(self) -> None:
        values = np.full((2, 4, 4), 65535, np.uint16)
        values[:, :2, 3] = 0
        with opened_picture(io.BytesIO(deep_png(values))) as picture:
            assert picture.frame(0)[0, :, 0].tolist() == [128, 128, 255, 255]


def test_pages_of_a_tiff_are_frames_without_times() -> None:
    first, *rest = (Image.fromarray(frame) for frame in pictures(4))
    content = io.BytesIO()
    first.save(content, "TIFF", save_all=True, append_images=rest)
    assert np.array_equal(all_frames(content.getvalue()), pictures(4))
    with opened_picture(io.BytesIO(content.getvalue())) as picture:
        assert not picture.timed
