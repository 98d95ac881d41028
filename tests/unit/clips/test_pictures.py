from __future__ import annotations

import sqlite3
import struct
import zlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from reportgen.clips import read_clip
from reportgen.clips.series import natural_key
from reportgen.errors import ClipError

from .numbered import PATCHES, frame, numbers, patches_of, spec


def images(count: int) -> list[Image.Image]:
    return [Image.fromarray(frame(number)) for number in range(count)]


def write_folder(folder: Path, count: int, pattern: str = "frame_{}.png", start: int = 0) -> Path:
    folder.mkdir(parents=True)
    for number, image in enumerate(images(count)):
        image.save(folder / pattern.format(number + start), quality=98)
    return folder


def write_database(path: Path, names: list[str]) -> Path:
    """One row per name; the n-th carries the number n."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with sqlite3.connect(path) as connection:
        connection.execute("CREATE TABLE Images (ObjId TEXT PRIMARY KEY, frames BLOB)")
        for number, name in reversed(list(enumerate(names))):
            picture = path.parent / "picture.png"
            Image.fromarray(frame(number)).save(picture)
            connection.execute("INSERT INTO Images VALUES (?, ?)", (name, picture.read_bytes()))
            picture.unlink()
    connection.close()
    return path


class TestAnimations:
    @pytest.mark.parametrize("suffix", [".gif", ".webp", ".png", ".avif"])
    def test_frames_order_colours_and_rate(self, tmp_path: Path, suffix: str) -> None:
        path = tmp_path / f"clip{suffix}"
        first, *rest = images(20)
        more = {".webp": {"lossless": True}, ".avif": {"quality": 95, "subsampling": "4:4:4"}}.get(suffix, {})
        first.save(path, save_all=True, append_images=rest, duration=40, loop=0, **more)
        clip = read_clip(path, spec(6), frame_step=2)
        assert numbers(clip.frames) == [4, 6, 8, 10, 12, 14]
        assert np.abs(patches_of(clip.frames[2]) - PATCHES).max() <= 4
        assert clip.frame_rate == pytest.approx(25)

    def test_durations_of_frames_are_respected(self, tmp_path: Path) -> None:
        path = tmp_path / "clip.gif"
        first, *rest = images(4)
        first.save(path, save_all=True, append_images=rest, duration=[100, 300, 0, 100], loop=0)
        clip = read_clip(path, spec(6, frame_rate=10.0))
        assert numbers(clip.frames) == [0, 1, 1, 1, 2, 3]

    @pytest.mark.parametrize("disposal", [1, 2, 3])
    def test_transparency_and_disposal_give_what_a_viewer_shows(self, tmp_path: Path, disposal: int) -> None:
        """A red dot walks over a transparent ground; how a frame is disposed of decides what stays of it."""
        palette = [10, 20, 30, 255, 0, 0, 0, 255, 0] + [0] * (253 * 3)
        frames = []
        for place in range(3):
            pixels = np.zeros((16, 48), np.uint8)
            pixels[:, place * 16 : place * 16 + 16] = 1
            image = Image.fromarray(pixels, mode="P")
            image.putpalette(palette)
            frames.append(image)
        path = tmp_path / "dot.gif"
        frames[0].save(
            path,
            save_all=True,
            append_images=frames[1:],
            transparency=0,
            disposal=disposal,
            duration=100,
            optimize=False,
        )
        clip = read_clip(path, spec(3, height=16, width=48))
        red = clip.frames[:, 8, 8::16, 0] > 0.6
        stays = np.tril(np.ones((3, 3), bool))
        assert np.array_equal(red, stays if disposal == 1 else np.eye(3, dtype=bool))
        assert np.allclose(clip.frames[0, 8, 24] * 255, 128), "transparent parts are grey"

    def test_a_local_palette_of_a_later_frame_is_used(self, tmp_path: Path) -> None:
        colours = [(250, 10, 20), (10, 240, 30), (40, 50, 230)]
        frames = [Image.new("RGB", (32, 32), colour).quantize(4) for colour in colours]
        path = tmp_path / "palettes.gif"
        frames[0].save(path, save_all=True, append_images=frames[1:], duration=100)
        clip = read_clip(path, spec(3, height=32, width=32))
        assert np.abs(clip.frames[:, 5, 5] * 255 - colours).max() <= 2

    @pytest.mark.parametrize("suffix", [".gif", ".webp"])
    def test_truncated(self, tmp_path: Path, suffix: str) -> None:
        path = tmp_path / f"clip{suffix}"
        first, *rest = images(20)
        first.save(path, save_all=True, append_images=rest, duration=40)
        path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
        with pytest.raises(ClipError, match="was cut off"):
            read_clip(path, spec(2), frames=(0, None))

    def test_damaged_inside(self, tmp_path: Path) -> None:
        path = tmp_path / "clip.webp"
        first, *rest = images(20)
        first.save(path, save_all=True, append_images=rest, duration=40, lossless=True)
        data = bytearray(path.read_bytes())
        data[len(data) // 4 : len(data) // 2] = bytes(len(data) // 2 - len(data) // 4)
        path.write_bytes(data)
        with pytest.raises(ClipError, match="damaged"):
            read_clip(path, spec(16))


class TestSingleImages:
    @pytest.mark.parametrize("suffix", [".png", ".jpg", ".bmp", ".tiff", ".avif", ".ppm"])
    def test_one_image_serves_a_network_of_single_frames(self, tmp_path: Path, suffix: str) -> None:
        path = tmp_path / f"picture{suffix}"
        images(6)[5].save(path, quality=98)
        clip = read_clip(path, spec(1))
        assert numbers(clip.frames) == [5]
        assert np.abs(patches_of(clip.frames[0]) - PATCHES).max() <= 8
        assert clip.frame_rate is None

    def test_exif_orientation_is_applied(self, tmp_path: Path) -> None:
        image = images(3)[2]
        exif = Image.Exif()
        exif[0x0112] = 6  # to be turned clockwise by 90 degrees
        image.transpose(Image.Transpose.ROTATE_90).save(tmp_path / "phone.jpg", exif=exif, quality=98)
        assert numbers(read_clip(tmp_path / "phone.jpg", spec(1)).frames) == [2]

    def test_sixteen_bits_grey_and_palettes(self, tmp_path: Path) -> None:
        deep = np.full((48, 64), 0x8000, np.uint16)
        Image.fromarray(deep).save(tmp_path / "deep.png")
        assert read_clip(tmp_path / "deep.png", spec(1)).frames.mean() == pytest.approx(0.5, abs=0.01)
        images(4)[3].quantize(16).save(tmp_path / "palette.png")
        assert numbers(read_clip(tmp_path / "palette.png", spec(1)).frames) == [3]

    def test_pages_of_a_tiff_are_a_clip(self, tmp_path: Path) -> None:
        first, *rest = images(9)
        first.save(tmp_path / "stack.tiff", save_all=True, append_images=rest)
        clip = read_clip(tmp_path / "stack.tiff", spec(9, frame_rate=5.0))
        assert (numbers(clip.frames), clip.frame_rate) == (list(range(9)), None)

    def test_a_network_of_one_channel_gets_luminance(self, tmp_path: Path) -> None:
        images(4)[3].save(tmp_path / "a.png")
        clip = read_clip(tmp_path / "a.png", spec(1, channels=1))
        assert clip.frames.shape == (1, 48, 64, 1)
        expected = 0.299 * 200 + 0.587 * 40 + 0.114 * 60
        assert clip.frames[0, 40, 4, 0] * 255 == pytest.approx(expected, abs=1)

    def test_an_image_is_too_short_for_a_clip(self, tmp_path: Path) -> None:
        images(1)[0].save(tmp_path / "a.png")
        with pytest.raises(ClipError, match=r"There is 1 frame in a\.png, but 16 are needed"):
            read_clip(tmp_path / "a.png", spec(16))


class TestFolders:
    def test_frame_2_comes_before_frame_10(self, tmp_path: Path) -> None:
        clip = read_clip(write_folder(tmp_path / "my_clip", 12), spec(12))
        assert numbers(clip.frames) == list(range(12))
        assert (clip.name, clip.title, clip.source) == ("my_clip", "my clip", "my_clip")
        assert np.abs(patches_of(clip.frames[2]) - PATCHES).max() <= 1

    def test_other_files_are_passed_over(self, tmp_path: Path) -> None:
        folder = write_folder(tmp_path / "clip", 4, "f{}.jpg")
        for name in ("notes.txt", ".hidden.jpg", "Thumbs.db"):
            (folder / name).write_text("x")
        assert numbers(read_clip(folder, spec(4)).frames) == [0, 1, 2, 3]

    def test_natural_order(self) -> None:
        names = ["a10", "a2", "a1b", "b", "10", "9", "A3"]
        assert sorted(names, key=natural_key) == ["9", "10", "a1b", "a2", "A3", "a10", "b"]

    def test_images_of_different_size(self, tmp_path: Path) -> None:
        folder = write_folder(tmp_path / "clip", 4)
        Image.new("RGB", (20, 20)).save(folder / "frame_2.png")
        with pytest.raises(ClipError, match=r"frame_2\.png is 20 x 20 px and the frames before it are 64 x 48"):
            read_clip(folder, spec(4))

    def test_a_damaged_image_is_named(self, tmp_path: Path) -> None:
        folder = write_folder(tmp_path / "clip", 4)
        (folder / "frame_1.png").write_bytes((folder / "frame_1.png").read_bytes()[:80])
        (folder / "frame_2.png").write_bytes(b"")
        with pytest.raises(ClipError, match=r"frame_1\.png is damaged"):
            read_clip(folder, spec(4))
        with pytest.raises(ClipError, match=r"frame_2\.png is not an image"):
            read_clip(folder, spec(1), frames=(2, None))

    @pytest.mark.parametrize("bits", [12, 16])
    def test_images_of_many_bits_keep_their_brightness_to_each_other(self, tmp_path: Path, bits: int) -> None:
        (tmp_path / "deep").mkdir()
        for number in range(8):
            value = (1 << bits) - 1 if number == 5 else (1 << bits - 1) >> number
            Image.fromarray(np.full((48, 64), value, np.uint16)).save(tmp_path / "deep" / f"{number}.png")
        shown = read_clip(tmp_path / "deep", spec(8)).frames.mean(axis=(1, 2, 3))
        expected = [1 if number == 5 else 0.5 / (1 << number) for number in range(8)]
        assert np.allclose(shown, expected, atol=0.003)

    def test_no_images(self, tmp_path: Path) -> None:
        (tmp_path / "empty").mkdir()
        with pytest.raises(ClipError, match="The folder empty holds no images"):
            read_clip(tmp_path / "empty", spec(1))
        write_folder(tmp_path / "videos" / "first", 2)
        with pytest.raises(ClipError, match=r"name one of its folders \(first\)"):
            read_clip(tmp_path / "videos", spec(1))

    def test_absurd_dimensions_are_refused_before_decoding(self, tmp_path: Path) -> None:
        def chunk(kind: bytes, data: bytes) -> bytes:
            return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

        for width, height in ((60000, 60000), (60000, 2), (9000, 9000)):
            head = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0))
            (tmp_path / "bomb.png").write_bytes(b"\x89PNG\r\n\x1a\n" + head + chunk(b"IDAT", b"") + chunk(b"IEND", b""))
            with pytest.raises(ClipError, match="scale it down first"):
                read_clip(tmp_path / "bomb.png", spec(1))
        Image.new("RGB", (3000, 10)).save(tmp_path / "strip.png")
        with pytest.raises(ClipError, match="too narrow"):
            read_clip(tmp_path / "strip.png", spec(1))


class TestDatabases:
    def test_the_file_and_its_folder_give_the_same_clip(self, tmp_path: Path) -> None:
        path = write_database(tmp_path / "db" / "frames.db", [f"my_clip/frame_{n}" for n in range(12)])
        for place in (path, path.parent, str(path), f"{path}::my_clip", f"{path.parent}::my"):
            clip = read_clip(place, spec(12))
            assert numbers(clip.frames) == list(range(12))
            assert (clip.name, clip.source) == ("my_clip", "frames.db")

    def test_one_of_several_videos(self, tmp_path: Path) -> None:
        names = [f"{video}/frame_{n:05d}" for video in ("cat", "cat2", "dog") for n in range(4)]
        path = write_database(tmp_path / "frames.db", names)
        assert numbers(read_clip(f"{path}::cat", spec(4)).frames) == [0, 1, 2, 3]
        assert numbers(read_clip(f"{path}::d", spec(4)).frames) == [8, 9, 10, 11]
        with pytest.raises(ClipError, match=r"holds 3 videos \(cat, cat2, dog\): choose one by frames\.db::cat"):
            read_clip(path, spec(4))
        with pytest.raises(ClipError, match="did you mean dog"):
            read_clip(f"{path}::dgo", spec(4))

    def test_names_without_a_folder_are_told_apart_by_their_beginning(self, tmp_path: Path) -> None:
        path = write_database(tmp_path / "frames.db", ["a_frame_1", "a_frame_2", "b_frame_1"])
        assert numbers(read_clip(f"{path}::a", spec(2)).frames) == [0, 1]

    def test_it_is_opened_read_only(self, tmp_path: Path) -> None:
        path = write_database(tmp_path / "frames.db", ["v/1", "v/2"])
        before = path.read_bytes()
        path.chmod(0o444)
        read_clip(path, spec(2))
        assert path.read_bytes() == before
        assert [p.name for p in tmp_path.iterdir()] == ["frames.db"]

    def test_what_can_be_wrong(self, tmp_path: Path) -> None:
        garbage = tmp_path / "frames.db"
        garbage.write_bytes(b"SQLite format 3\0" + bytes(200))
        with pytest.raises(ClipError, match="is not a file of frames"):
            read_clip(garbage, spec(1))
        other = tmp_path / "other.db"
        with sqlite3.connect(other) as connection:
            connection.execute("CREATE TABLE Frames (name TEXT)")
        connection.close()
        with pytest.raises(ClipError, match="no such table"):
            read_clip(other, spec(1))
        empty = tmp_path / "empty.db"
        with sqlite3.connect(empty) as connection:
            connection.execute("CREATE TABLE Images (ObjId TEXT, frames BLOB)")
        connection.close()
        with pytest.raises(ClipError, match="holds no frames"):
            read_clip(empty, spec(1))
        with sqlite3.connect(empty) as connection:
            connection.execute("INSERT INTO Images VALUES ('v/1', x'00ff00ff'), ('v/2', NULL)")
        connection.close()
        with pytest.raises(ClipError, match=r"The frame v/1 of empty\.db is not an image"):
            read_clip(empty, spec(1), frames=(0, 1))
        with pytest.raises(ClipError, match=r"The frame v/2 of empty\.db holds no image"):
            read_clip(empty, spec(1), frames=(1, 2))
