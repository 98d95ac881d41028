"""Names that no encoding knows, and inputs that would take for ever, come to one sentence or to a clip."""

from __future__ import annotations

import io
import json
import os
import sqlite3
import struct
import zlib
from pathlib import Path

import pytest
from PIL import Image

from reportgen.clips import database, read_clip
from reportgen.clips.collection import find_clips
from reportgen.config.reading import load_options
from reportgen.errors import ClipError

from .numbered import frame, numbers, spec, write_video

ODD = os.fsdecode(b"caf\xe9_\xff")


class TestNamesThatAreNotUtf8:
    def test_of_a_video(self, tmp_path: Path) -> None:
        path = tmp_path / f"{ODD}.mp4"
        write_video(tmp_path / "a.mp4", 4).rename(path)
        clip = read_clip(path, spec(4))
        assert numbers(clip.frames) == [0, 1, 2, 3]
        assert (clip.title, clip.source) == ("caf\ufffd \ufffd", "caf\ufffd_\ufffd.mp4")
        json.dumps([clip.name, clip.title, clip.source], ensure_ascii=False).encode()

    def test_given_to_a_build(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        """Options are kept as JSON, which has no such names: they become the addresses of their files."""
        folder = tmp_path / ODD
        folder.mkdir()
        for number in range(4):
            Image.fromarray(frame(number)).save(folder / f"img_{number}.png")
            Image.fromarray(frame(100 + number)).save(folder / f"flow_{number}.png")
        monkeypatch.chdir(tmp_path)
        (address,) = load_options({"clips": (f"{ODD}::img_*.png",)}).clips
        assert address.isascii()
        assert numbers(read_clip(address, spec(4)).frames) == [0, 1, 2, 3]
        assert load_options({"clips": ("é::img",)}).clips == ("é::img",)

    def test_of_folders_and_their_images(self, tmp_path: Path) -> None:
        folder = tmp_path / ODD
        folder.mkdir()
        for number in range(4):
            Image.fromarray(frame(number)).save(folder / f"{ODD}{number}.png")
        clip = read_clip(folder, spec(4))
        assert numbers(clip.frames) == [0, 1, 2, 3]
        assert clip.source == "caf\ufffd_\ufffd"

    def test_of_files_of_frames_and_of_animations(self, tmp_path: Path) -> None:
        content = io.BytesIO()
        Image.fromarray(frame(3)).save(content, "PNG")
        with sqlite3.connect(tmp_path / f"{ODD}.db") as connection:
            connection.execute("CREATE TABLE Images (ObjId TEXT, frames BLOB)")
            connection.execute("INSERT INTO Images VALUES ('v/1', ?)", (content.getvalue(),))
        connection.close()
        (tmp_path / f"{ODD}.gif").write_bytes(content.getvalue())
        for suffix in (".db", ".gif"):
            assert numbers(read_clip(tmp_path / f"{ODD}{suffix}", spec(1)).frames) == [3]

    def test_in_messages(self, tmp_path: Path) -> None:
        (tmp_path / f"{ODD}.mp4").write_text("no video")
        for name in (f"{ODD}.mp4", f"{ODD}.gone"):
            with pytest.raises(ClipError, match="caf\ufffd_\ufffd") as raised:
                read_clip(tmp_path / name, spec(1))
            str(raised.value).encode()

    def test_of_reference_clips(self, tmp_path: Path) -> None:
        (tmp_path / ODD).mkdir()
        write_video(tmp_path / "a.mp4", 2).rename(tmp_path / ODD / f"{ODD}.mp4")
        (found,) = find_clips(tmp_path)
        assert (found.title, found.folders) == ("caf\ufffd_\ufffd", ("caf\ufffd_\ufffd",))
        assert len(found.digest()) == 64
        assert numbers(read_clip(found.path, spec(2)).frames) == [0, 1]


def endless(path: Path, view: str) -> Path:
    with sqlite3.connect(path) as connection:
        connection.execute(f"CREATE VIEW Images AS {view}")
    connection.close()
    return path


FOREVER = "WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c) SELECT"


class TestFilesOfFramesThatNeverEnd:
    @pytest.mark.parametrize(
        "view",
        [
            f"{FOREVER} max(x) AS ObjId, x AS frames FROM c",
            f"{FOREVER} x AS ObjId, x AS frames FROM c WHERE x < 0",
            f"{FOREVER} a.x AS ObjId, a.x AS frames FROM c a, c b WHERE a.x + b.x < 0",
        ],
    )
    def test_are_given_up(self, tmp_path: Path, view: str, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(database, "MAX_PAUSES", 10)
        with pytest.raises(ClipError, match=r"frames\.db computes its frames without end: write them into a table"):
            read_clip(endless(tmp_path / "frames.db", view), spec(1))

    def test_or_have_too_many_rows_are_refused(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(database, "MAX_ROWS", 1000)
        with pytest.raises(ClipError, match="more than 1000 frames"):
            read_clip(endless(tmp_path / "frames.db", f"{FOREVER} x AS ObjId, x AS frames FROM c"), spec(1))

    def test_or_make_bytes_from_nothing_are_refused(self, tmp_path: Path) -> None:
        path = endless(tmp_path / "frames.db", "SELECT 'v/1' AS ObjId, zeroblob(900000000) AS frames")
        with pytest.raises(ClipError, match="too big"):
            read_clip(path, spec(1))


def test_an_animation_of_endless_length_is_refused_before_it_is_decoded(tmp_path: Path) -> None:
    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    head = chunk(b"IHDR", struct.pack(">IIBBBBB", 4000, 4000, 8, 2, 0, 0, 0)) + chunk(
        b"acTL", struct.pack(">II", 1_000_000, 0)
    )
    control = chunk(b"fcTL", struct.pack(">IIIIIHHBB", 0, 4000, 4000, 0, 0, 1, 10, 0, 0))
    (tmp_path / "long.png").write_bytes(
        b"\x89PNG\r\n\x1a\n" + head + control + chunk(b"IDAT", zlib.compress(bytes(100))) + chunk(b"IEND", b"")
    )
    with pytest.raises(ClipError, match=r"long\.png claims 1000000 frames of 4000 x 4000 px, beyond what is read"):
        read_clip(tmp_path / "long.png", spec(1))
