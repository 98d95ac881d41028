"""Every clip below a folder is found once, by what it is, and knows the folders that it lies in."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from reportgen.clips import read_clip
from reportgen.clips.collection import find_clips
from reportgen.errors import ClipError
from tests.unit.clips.numbered import frame, spec


def write_frames(folder: Path, count: int = 4) -> None:
    folder.mkdir(parents=True)
    for number in range(count):
        Image.fromarray(frame(number)).save(folder / f"frame_{number}.png")


def write_gif(path: Path, first: int = 0) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    frames = [Image.fromarray(frame(first + number)) for number in range(4)]
    frames[0].save(path, save_all=True, append_images=frames[1:], duration=100)


def write_database(path: Path, videos: tuple[str, ...]) -> None:
    picture = path.with_suffix(".png")
    Image.fromarray(frame(1)).save(picture)
    with sqlite3.connect(path) as connection:
        connection.execute("CREATE TABLE Images (ObjId TEXT PRIMARY KEY, frames BLOB)")
        for video in videos:
            for number in range(3):
                connection.execute("INSERT INTO Images VALUES (?, ?)", (f"{video}/{number}", picture.read_bytes()))
    connection.close()
    picture.unlink()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    root = tmp_path / "reference"
    write_gif(root / "run" / "clip10.gif")
    write_gif(root / "run" / "clip2.gif", first=3)
    write_frames(root / "sit" / "on a chair")
    (root / "sit" / "damaged.mp4").write_bytes(b"no video")
    (root / "notes.txt").write_text("what is what")
    (root / ".hidden").write_text("not seen")
    write_database(root / "frames.db", ("walk/one", "two"))
    return root


def test_every_kind_of_clip_is_found_in_natural_order(folder: Path) -> None:
    found = find_clips(folder)
    assert [(clip.title, clip.folders) for clip in found] == [
        ("two", ()),
        ("one", ("walk",)),
        ("notes", ()),
        ("clip2", ("run",)),
        ("clip10", ("run",)),
        ("damaged", ("sit",)),
        ("on a chair", ("sit",)),
    ]


def test_what_is_found_is_what_read_clip_takes(folder: Path) -> None:
    fine, broken = [], []
    for clip in find_clips(folder):
        try:
            fine.append(read_clip(clip.path, spec(3)).frames.shape)
        except ClipError as error:
            broken.append(str(error))
    assert fine == [(3, 48, 64, 3)] * 5
    assert len(broken) == 2, "a file that is no clip is told of and not passed over"


def test_a_folder_of_frames_may_be_named_itself(tmp_path: Path) -> None:
    write_frames(tmp_path / "alone")
    assert [(clip.title, clip.folders) for clip in find_clips(tmp_path / "alone")] == [("alone", ())]


def test_digests_follow_the_bytes_and_the_place(folder: Path) -> None:
    before = {clip.title: clip.digest() for clip in find_clips(folder)}
    assert len(set(before.values())) == len(before)
    assert before == {clip.title: clip.digest() for clip in find_clips(folder)}
    changed = folder / "sit" / "on a chair" / "frame_1.png"
    Image.fromarray(np.zeros((48, 64, 3), np.uint8)).save(changed)
    write_gif(folder / "run" / "clip2.gif", first=9)
    after = {clip.title: clip.digest() for clip in find_clips(folder)}
    assert {title for title in before if before[title] != after[title]} == {"on a chair", "clip2"}


def test_links_in_a_circle_end(folder: Path) -> None:
    (folder / "again").symlink_to(folder, target_is_directory=True)
    assert len(find_clips(folder)) == 7


def test_what_is_no_folder_or_holds_nothing_is_told(tmp_path: Path) -> None:
    with pytest.raises(ClipError, match="no folder"):
        find_clips(tmp_path / "missing")
    (tmp_path / "empty").mkdir()
    with pytest.raises(ClipError, match="holds no files"):
        find_clips(tmp_path / "empty")


def test_pictures_of_a_concept_are_clips_of_their_own(tmp_path: Path) -> None:
    write_frames(tmp_path / "concept", 3)
    write_frames(tmp_path / "concept" / "one clip", 4)
    write_gif(tmp_path / "concept" / "with another" / "moving.gif")
    found = {
        pictures: [clip.title for clip in find_clips(tmp_path / "concept", pictures=pictures)]
        for pictures in ("frames", "outside", "alone")
    }
    own = ["frame_0", "frame_1", "frame_2"]
    assert found["frames"] == ["concept", "one clip", "moving"]
    assert found["outside"] == [*own, "one clip", "moving"]
    assert found["alone"] == [*own, *own, "frame_3", "moving"]


def test_a_picture_is_shown_in_all_frames_of_a_clip_where_that_is_asked_for(tmp_path: Path) -> None:
    write_frames(tmp_path / "still", 1)
    for path in (tmp_path / "still", tmp_path / "still" / "frame_0.png"):
        clip = read_clip(path, spec(5), still=True)
        assert clip.pixels.shape[2] == 5
        assert clip.stands_still
        with pytest.raises(ClipError, match="There is 1 frame"):
            read_clip(path, spec(5))
