"""What a path names: a clip, what a quoted pattern matches, or the clips of a folder of videos."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from reportgen.clips.given import named_clips
from reportgen.config.options import BuildOptions
from reportgen.errors import ClipError
from reportgen.media.encode import gif_bytes
from reportgen.runner.subject import read_clips
from tests.contract.test_python_calls import FRAMES, SIDE, tiny
from tests.notes import Notes


def gif(path: Path, seed: int) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    frames = np.random.default_rng(seed).integers(0, 256, (FRAMES, SIDE, SIDE, 3), dtype=np.uint8)
    path.write_bytes(gif_bytes(frames))
    return path


def test_a_pattern_that_no_shell_has_read_is_what_it_matches_in_natural_order(tmp_path: Path) -> None:
    for number in (10, 9, 1):
        gif(tmp_path / f"clip{number}.gif", number)
    found, notes, doubtful = named_clips([f"{tmp_path}/clip*.gif"])
    assert [Path(one).name for one in found] == ["clip1.gif", "clip9.gif", "clip10.gif"]
    assert notes == [f"{tmp_path}/clip*.gif stands for 3 clips."]
    assert not doubtful
    with pytest.raises(ClipError, match="matches no clip"):
        named_clips([f"{tmp_path}/*.mp4"])


def test_a_name_with_signs_of_a_pattern_is_a_name_where_it_is_there(tmp_path: Path) -> None:
    path = gif(tmp_path / "clip[1].gif", 1)
    assert named_clips([str(path)])[0] == [str(path)]
    assert named_clips(["frames.db::video*"])[0] == ["frames.db::video*"]


def test_a_folder_of_videos_is_several_clips_and_one_of_images_is_one(tmp_path: Path) -> None:
    gif(tmp_path / "videos" / "b.mp4", 1), gif(tmp_path / "videos" / "inner" / "c.webm", 2)
    (tmp_path / "frames").mkdir()
    for frame in range(FRAMES):
        Image.fromarray(np.full((SIDE, SIDE, 3), frame, np.uint8)).save(tmp_path / "frames" / f"{frame}.png")
    found, notes, _ = named_clips([str(tmp_path / "videos"), str(tmp_path / "frames")])
    assert [Path(one).name for one in found] == ["b.mp4", "c.webm", "frames"]
    assert notes == ["videos is a folder of videos: 2 clips."]


def test_what_is_no_clip_in_a_folder_is_passed_over_and_said(tmp_path: Path) -> None:
    gif(tmp_path / "videos" / "a.mp4", 1)
    (tmp_path / "videos" / "README.txt").write_text("videos of mine")
    noted = Notes()
    clips = read_clips(tiny(), BuildOptions(clips=(str(tmp_path / "videos"),)), noted)
    assert [clip.title for clip in clips] == ["a"]
    assert noted.said[0] == "videos is a folder of videos: 2 clips."
    assert noted.said[1].startswith("Passed over: README.txt")
    with pytest.raises(ClipError, match=r"README\.txt"):
        read_clips(tiny(), BuildOptions(clips=(str(tmp_path / "videos" / "README.txt"),)))
    (tmp_path / "videos" / "a.mp4").unlink()
    with pytest.raises(ClipError, match="None of the files could be read as a clip"):
        read_clips(tiny(), BuildOptions(clips=(str(tmp_path / "videos"),)))
