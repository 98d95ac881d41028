"""A clip is one file: what kind it is, its content says, and nothing else is opened or run for it."""

from __future__ import annotations

import os
import sqlite3
from pathlib import Path

import av
import pytest
from PIL import Image

from reportgen.clips import read_clip
from reportgen.errors import ClipError

from .numbered import frame, numbers, spec, write_video
from .references import refer_to

NAMES = [
    "cam1:front.mp4",
    "12:30.mp4",
    "%03d.mp4",
    "-vf.mp4",
    "what?.mp4",
    "*.mp4",
    "[1-3].mp4",
    "file:clip.mp4",
    "pipe:0",
    "concat:a.mp4|b.mp4",
    "subfile,,start,0,end,9,,:clip.mp4",
    "crypto:clip.mp4",
    "data:video",
    "a::b.mp4",
    "tee:a.mp4",
    "clip.m3u8",
    "clip.txt",
    "clip",
]


@pytest.mark.parametrize("name", NAMES)
def test_any_name_is_the_name_of_a_file(tmp_path: Path, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    written = write_video(tmp_path / "written.mp4", 4)
    (tmp_path / name).write_bytes(written.read_bytes())
    monkeypatch.chdir(tmp_path)
    clip = read_clip(name, spec(4))
    assert numbers(clip.frames) == [0, 1, 2, 3]
    assert clip.source == name


LISTS = {
    "concat": "ffconcat version 1.0\nfile clip.mp4\nfile clip.mp4\n",
    "hls": "#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\nclip.ts\n#EXT-X-ENDLIST\n",
    "dash": '<?xml version="1.0"?>\n<MPD xmlns="urn:mpeg:dash:schema:mpd:2011" mediaPresentationDuration="PT1S">'
    '<Period><AdaptationSet><Representation id="1"><BaseURL>clip.mp4</BaseURL></Representation></AdaptationSet>'
    "</Period></MPD>",
    "sdp": "v=0\no=- 0 0 IN IP4 127.0.0.1\ns=x\nc=IN IP4 127.0.0.1\nt=0 0\nm=video 5004 RTP/AVP 96\n",
    "vobsub": "# VobSub index file, v7\nid: en, index: 0\n",
    "srt": "1\n00:00:01,000 --> 00:00:02,000\nhello\n\n",
    "ffmetadata": ";FFMETADATA1\ntitle=x\n",
}


@pytest.mark.parametrize("suffix", [".mp4", ".txt", ".png", ""])
@pytest.mark.parametrize("form", LISTS)
def test_what_names_other_files_is_refused_by_its_form(
    tmp_path: Path, form: str, suffix: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("clip.mp4", "clip.ts"):
        write_video(tmp_path / name, 4)
    (tmp_path / f"list{suffix}").write_text(LISTS[form])
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ClipError, match=rf"list{suffix} is of the form {form} \(.+\), not a video that holds its own"):
        read_clip(f"list{suffix}", spec(2))


@pytest.mark.parametrize("beginning", ["\ufeff", "\n\n", "  "])
def test_what_stands_before_a_list_does_not_hide_it(tmp_path: Path, beginning: str) -> None:
    (tmp_path / "list.mp4").write_text(beginning + LISTS["hls"])
    with pytest.raises(ClipError, match="of the form hls"):
        read_clip(tmp_path / "list.mp4", spec(2))


def test_a_numbered_series_is_not_read_by_a_pattern(tmp_path: Path) -> None:
    for number in range(4):
        Image.fromarray(frame(number)).save(tmp_path / f"{number:03d}.png")
    with pytest.raises(ClipError, match="There is no clip at"):
        read_clip(tmp_path / "%03d.png", spec(2))


def test_a_movie_whose_pictures_lie_in_another_file_is_refused(tmp_path: Path) -> None:
    movie = write_video(tmp_path / "pictures.mov", 4)
    leading = refer_to(movie, str(movie), tmp_path / "leading.mov")
    with av.open(str(leading), options={"enable_drefs": "1", "use_absolute_path": "1"}) as container:
        assert sum(1 for _ in container.decode(video=0)) == 4, "by itself FFmpeg would follow the reference"
    with pytest.raises(ClipError, match=r"leading\.mov leads to another file \(pictures\.mov\)"):
        read_clip(leading, spec(2))


def test_asking_for_a_form_s_name_leaves_ffmpeg_s_log_as_it_was(tmp_path: Path) -> None:
    before = av.logging.get_level(), av.logging.get_skip_repeated()
    (tmp_path / "list.mp4").write_text(LISTS["srt"])
    with pytest.raises(ClipError, match="of the form srt"):
        read_clip(tmp_path / "list.mp4", spec(2))
    assert (av.logging.get_level(), av.logging.get_skip_repeated()) == before


POSTSCRIPT = b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 64 48\n%%EndComments\n0 0 moveto showpage\n%%EOF\n"
OTHERS = {
    "postscript": POSTSCRIPT,
    "binary postscript": b"\xc5\xd0\xd3\xc6" + (30).to_bytes(4, "little") + bytes(22) + POSTSCRIPT,
    "metafile": b"\xd7\xcd\xc6\x9a" + bytes(60),
    "pdf": b"%PDF-1.7\n1 0 obj\n<<>>\nendobj\n",
    "svg": b'<svg xmlns="http://www.w3.org/2000/svg"><image href="/etc/hostname"/></svg>',
    "photoshop": b"8BPS\0\1" + bytes(6) + b"\0\3\0\0\0\x30\0\0\0\x40\0\x08\0\3" + bytes(200),
}


@pytest.fixture
def programs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder that gains a file as soon as Ghostscript, or another program that draws, is run."""
    from PIL import EpsImagePlugin

    folder = tmp_path / "programs"
    folder.mkdir()
    for name in ("gs", "convert", "magick", "inkscape", "pdftoppm"):
        (folder / name).write_text(f"#!/bin/sh\ntouch {folder}/ran\n")
        (folder / name).chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.setattr(EpsImagePlugin, "gs_binary", None)
    return folder


class TestPicturesOfOtherFormats:
    @pytest.mark.parametrize("suffix", [".png", ".jpg", ".gif", ".webp", ".tiff", ".avif"])
    @pytest.mark.parametrize("content", OTHERS.values(), ids=OTHERS)
    def test_are_refused_alone_and_in_folders(
        self, tmp_path: Path, programs: Path, content: bytes, suffix: str
    ) -> None:
        frames = tmp_path / "frames"
        frames.mkdir()
        (frames / f"a{suffix}").write_bytes(content)
        with pytest.raises(ClipError, match=f"a{suffix} is not an image that can be read"):
            read_clip(frames, spec(1))
        with pytest.raises(ClipError, match=rf"a{suffix} (cannot be decoded|is of the form)"):
            read_clip(frames / f"a{suffix}", spec(1))
        assert not (programs / "ran").exists()

    @pytest.mark.parametrize("content", OTHERS.values(), ids=OTHERS)
    def test_are_refused_in_files_of_frames(self, tmp_path: Path, programs: Path, content: bytes) -> None:
        with sqlite3.connect(tmp_path / "frames.db") as connection:
            connection.execute("CREATE TABLE Images (ObjId TEXT PRIMARY KEY, frames BLOB)")
            connection.execute("INSERT INTO Images VALUES ('clip/1', ?)", (content,))
        connection.close()
        with pytest.raises(ClipError, match=r"clip/1 of frames\.db is not an image that can be read"):
            read_clip(tmp_path / "frames.db", spec(1))
        assert not (programs / "ran").exists()

    def test_would_have_reached_a_program(self, tmp_path: Path, programs: Path) -> None:
        (tmp_path / "a.png").write_bytes(POSTSCRIPT)
        with pytest.raises(OSError, match=r".*"), Image.open(tmp_path / "a.png") as image:
            image.load()
        assert (programs / "ran").exists()
