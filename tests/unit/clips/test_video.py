from __future__ import annotations

import gc
from pathlib import Path

import av
import numpy as np
import pytest

from reportgen.clips import read_clip
from reportgen.clips.video import VideoSource
from reportgen.errors import ClipError

from .numbered import PATCHES, frame, numbers, patches_of, spec, write_video

FORMS = [
    ("clip.mp4", "libx264", {"crf": "4"}),
    ("clip.mkv", "libx264", {"crf": "4", "bf": "3"}),
    ("clip.avi", "mpeg4", {"qscale": "1", "b": "4M"}),
    ("clip.webm", "libvpx-vp9", {"crf": "4", "b": "0"}),
    ("clip.webm", "libvpx", {"crf": "4", "b": "2M", "auto-alt-ref": "1", "lag-in-frames": "16"}),
]


@pytest.mark.parametrize(("name", "codec", "options"), FORMS, ids=[f"{n[5:]}-{c}" for n, c, _ in FORMS])
def test_frames_order_and_colours_of_every_container(
    tmp_path: Path, name: str, codec: str, options: dict[str, str]
) -> None:
    path = write_video(tmp_path / name, 40, codec=codec, options=options)
    clip = read_clip(path, spec(16))
    assert clip.frames.shape == (16, 48, 64, 3)
    assert clip.frames.dtype == np.float32
    assert numbers(clip.frames) == list(range(12, 28))
    assert np.abs(patches_of(clip.frames[3]) - PATCHES).max() < 12
    assert (clip.name, clip.title, clip.source) == ("clip", "clip", name)
    assert (clip.first_frame, clip.frame_step) == (12, 1)
    assert clip.frame_rate == pytest.approx(10)


@pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="this system does not list a process's threads")
def test_videos_that_are_read_leave_no_threads(tmp_path: Path) -> None:
    path = write_video(tmp_path / "clip.mp4", 20)
    before = len(list(Path("/proc/self/task").iterdir()))
    gc.disable()  # it would end them, at a time that nobody knows
    try:
        for _ in range(5):
            read_clip(path, spec(16))
        assert len(list(Path("/proc/self/task").iterdir())) <= before
    finally:
        gc.enable()


@pytest.mark.parametrize("first", [0, 7, 61, 190])
def test_a_seek_finds_the_same_frames_as_reading_from_the_start(tmp_path: Path, first: int) -> None:
    path = write_video(tmp_path / "long.mp4", 200, options={"g": "25", "bf": "3", "crf": "10"})
    clip = read_clip(path, spec(3), frames=(first, None), frame_step=4)
    assert numbers(clip.frames) == [first, first + 4, first + 8]
    assert (clip.first_frame, clip.frame_step) == (first, 4)


def test_reading_from_the_start_serves_where_stamps_are_of_no_use(tmp_path: Path) -> None:
    source = VideoSource(write_video(tmp_path / "clip.mp4", 20))
    source._stamps = None
    taken = [np.asarray(image) / 255 for image in source.read([3, 4, 19])]
    assert numbers(np.stack(taken)) == [3, 4, 19]


def test_wrong_stamps_are_noticed_and_the_frames_counted_instead(tmp_path: Path) -> None:
    source = VideoSource(write_video(tmp_path / "clip.mp4", 20))
    assert source._stamps is not None
    source._stamps = [stamp + (stamp > source._stamps[4]) for stamp in source._stamps]
    taken = [np.asarray(image) / 255 for image in source.read([3, 4, 9, 19])]
    assert numbers(np.stack(taken)) == [3, 4, 9, 19]


@pytest.mark.parametrize("matrix", [1, 5])
def test_the_colour_matrix_that_the_file_states_is_used(tmp_path: Path, matrix: int) -> None:
    path = write_video(tmp_path / "clip.mp4", 2, pixels="yuv444p", matrix=matrix, options={"crf": "1"})
    clip = read_clip(path, spec(1))
    assert np.abs(patches_of(clip.frames[0]) - PATCHES).max() <= 4


@pytest.mark.parametrize(("scale", "matrix"), [(1, 5), (15, 1)])
def test_without_a_stated_matrix_small_video_is_bt601_and_large_bt709(tmp_path: Path, scale: int, matrix: int) -> None:
    path = tmp_path / "clip.mp4"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=10, options={"crf": "1", "preset": "ultrafast"})
        stream.width, stream.height, stream.pix_fmt = 64 * scale, 48 * scale, "yuv444p"
        colours = np.zeros((48 * scale, 64 * scale, 3), np.uint8)
        colours[:] = PATCHES[0]
        picture = av.VideoFrame.from_ndarray(colours, format="rgb24")
        picture = picture.reformat(format="yuv444p", dst_colorspace=matrix)
        picture.colorspace = 2
        container.mux(stream.encode(picture))
        container.mux(stream.encode())
    clip = read_clip(path, spec(1))
    assert np.abs(clip.frames[0, 24, 32] * 255 - PATCHES[0]).max() <= 4


@pytest.mark.parametrize(("degrees", "turns"), [(90, -1), (180, 2), (270, 1)])
def test_rotation_metadata_is_applied(tmp_path: Path, degrees: int, turns: int) -> None:
    """A track matrix of `degrees` clockwise (as phones write it) is put into the file's header by hand."""
    path = write_video(tmp_path / "clip.mp4", 3, options={"crf": "1"})
    upright = read_clip(path, spec(1)).frames[0]
    one, minus = (1 << 16).to_bytes(4, "big"), (-1 << 16).to_bytes(4, "big", signed=True)
    zero, w = bytes(4), (1 << 30).to_bytes(4, "big")
    a, b, c, d = {90: (zero, one, minus, zero), 180: (minus, zero, zero, minus), 270: (zero, minus, one, zero)}[degrees]
    data = bytearray(path.read_bytes())
    at = data.index(b"tkhd") + 4 + 40
    assert data[at : at + 4] == one
    data[at : at + 36] = a + b + zero + c + d + zero + zero + zero + w
    path.write_bytes(data)
    height, width = (64, 48) if degrees != 180 else (48, 64)
    turned = read_clip(path, spec(1, height=height, width=width)).frames[0]
    assert np.array_equal(turned, np.rot90(upright, turns))


def test_a_card_with_a_frame_rate_resamples_by_time(tmp_path: Path) -> None:
    path = write_video(tmp_path / "clip.mp4", 60, rate=30)
    clip = read_clip(path, spec(8, frame_rate=10.0), frames=(0, None))
    assert numbers(clip.frames) == list(range(0, 24, 3))
    assert clip.frame_rate == 10
    slow = read_clip(path, spec(6, frame_rate=60.0), frames=(0, None))
    assert numbers(slow.frames) == [0, 0, 1, 1, 2, 2]


def test_resampling_follows_uneven_times(tmp_path: Path) -> None:
    stamps = [0, 100, 200, 1000, 1100, 1200, 1300, 1400]
    path = write_video(tmp_path / "uneven.mkv", 8, stamps=stamps)
    clip = read_clip(path, spec(12, frame_rate=10.0), frames=(0, None))
    assert numbers(clip.frames) == [0, 1, 2, 2, 2, 2, 2, 2, 2, 2, 3, 4]


def test_only_frames_that_are_kept_are_converted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from reportgen.clips import video

    converted = []
    shown = video.shown
    monkeypatch.setattr(video, "shown", lambda frame, *more: converted.append(frame.pts) or shown(frame, *more))
    read_clip(write_video(tmp_path / "long.mp4", 150, options={"g": "10"}), spec(4), frame_step=5)
    assert len(converted) == 4


@pytest.mark.parametrize("name", ["clip.mp4", "clip.mkv", "clip.avi"])
def test_a_truncated_video_is_an_error_whichever_frames_are_asked_for(tmp_path: Path, name: str) -> None:
    codec = "mpeg4" if name.endswith("avi") else "libx264"
    path = write_video(tmp_path / name, 60, codec=codec, options={"movflags": "faststart"} if "mp4" in name else {})
    path.write_bytes(path.read_bytes()[: path.stat().st_size * 3 // 4])
    with pytest.raises(ClipError, match="was cut off"):
        read_clip(path, spec(2), frames=(0, None))


def test_a_video_damaged_where_it_is_read_is_an_error(tmp_path: Path) -> None:
    path = write_video(tmp_path / "clip.mp4", 60, options={"g": "60"})
    data = bytearray(path.read_bytes())
    start = data.index(b"mdat") + 4
    middle = range(start, len(data) - 3000)
    for at in middle:
        data[at] ^= 0x5A
    path.write_bytes(data)
    with pytest.raises(ClipError, match=r"damaged|decoded"):
        read_clip(path, spec(16))


def test_a_file_with_sound_only_is_an_error(tmp_path: Path) -> None:
    path = tmp_path / "sound.mp4"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("aac", rate=16000)
        silence = av.AudioFrame.from_ndarray(np.zeros((1, 1024), np.float32), format="fltp", layout="mono")
        silence.sample_rate = 16000
        container.mux(stream.encode(silence))
        container.mux(stream.encode())
    with pytest.raises(ClipError, match="no video stream"):
        read_clip(path, spec(1))


def test_a_text_file_is_an_error(tmp_path: Path) -> None:
    text = tmp_path / "notes.mp4"
    text.write_text("not a video at all")
    with pytest.raises(ClipError, match="cannot be decoded"):
        read_clip(text, spec(1))


def test_vp8_packets_that_are_never_shown_are_not_counted(tmp_path: Path) -> None:
    """A copy of a packet with its show_frame bit cleared is put into the stream, as two-pass encoders do."""
    path = write_video(tmp_path / "plain.webm", 12, codec="libvpx", options={"crf": "4", "b": "2M"})
    hidden = tmp_path / "hidden.webm"
    with av.open(str(path)) as source, av.open(str(hidden), "w") as target:
        stream = target.add_stream_from_template(source.streams.video[0])
        for number, packet in enumerate(p for p in source.demux(video=0) if p.size):
            if number == 5:
                data = bytearray(bytes(packet))
                data[0] &= ~0x10
                extra = av.Packet(bytes(data))
                extra.pts = extra.dts = packet.pts - 50
                extra.time_base, extra.stream = packet.time_base, stream
                target.mux(extra)
            packet.stream = stream
            target.mux(packet)
    with av.open(str(hidden)) as container:
        assert sum(1 for packet in container.demux(video=0) if packet.size) == 13
    assert VideoSource(hidden).count == 12
    assert numbers(read_clip(hidden, spec(6)).frames) == [3, 4, 5, 6, 7, 8]


def test_a_wrong_rate_is_not_believed_where_the_frames_tell_their_times(tmp_path: Path) -> None:
    """Raw DV states 60,000 frames/s; a recording of uneven times has the mean of its own."""
    with av.open(str(tmp_path / "camera.dv"), "w") as container:
        stream = container.add_stream("dvvideo", rate=25)
        stream.width, stream.height, stream.pix_fmt = 720, 576, "yuv420p"
        for number in range(6):
            picture = av.VideoFrame.from_ndarray(frame(number), format="rgb24")
            container.mux(stream.encode(picture.reformat(width=720, height=576, format="yuv420p")))
        container.mux(stream.encode())
    uneven = write_video(tmp_path / "uneven.mkv", 6, stamps=[0, 40, 200, 240, 1000, 5000])
    for path, rate in ((tmp_path / "camera.dv", 25), (uneven, 1), (write_video(tmp_path / "even.mkv", 6, rate=30), 30)):
        assert VideoSource(path).frame_rate == pytest.approx(rate, rel=0.02), path.name
        assert numbers(read_clip(path, spec(6)).frames) == list(range(6))


def test_a_stream_of_pictures_without_a_container_is_known_by_its_name(tmp_path: Path) -> None:
    stream = write_video(tmp_path / "camera.mjpeg", 6, codec="mjpeg", pixels="yuvj420p")
    assert numbers(read_clip(stream, spec(6)).frames) == list(range(6))
    picture = stream.rename(tmp_path / "photo.jpg")  # such as one with a gain map behind it
    assert numbers(read_clip(picture, spec(1)).frames) == [0]


@pytest.mark.parametrize("suffix", ["h264", "hevc", "mpg", "ts"])
def test_files_that_were_joined_are_read_whole_or_named(tmp_path: Path, suffix: str) -> None:
    codec = {"hevc": "libx265", "mpg": "mpeg2video"}.get(suffix, "libx264")
    options = {"x265-params": "log-level=none"} if suffix == "hevc" else {"g": "12"}
    once = write_video(tmp_path / f"once.{suffix}", 6, codec=codec, rate=25, options=options).read_bytes()
    (tmp_path / f"twice.{suffix}").write_bytes(once + once)
    path = tmp_path / f"twice.{suffix}"
    if suffix == "ts":  # its packets are counted, and the count starts again
        with pytest.raises(ClipError, match=r"is damaged about frame 4 .*by `frames=\(0, 4\)`\."):
            read_clip(path, spec(12))
        assert numbers(read_clip(path, spec(4), frames=(0, 4)).frames) == list(range(4))
    else:
        assert numbers(read_clip(path, spec(12)).frames) == [*range(6), *range(6)]
