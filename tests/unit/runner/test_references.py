"""Reference clips in a folder: named, labelled by their folders, and read only when asked for."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from reportgen import load_network
from reportgen.errors import ClipError
from reportgen.networks.core.network import Network
from reportgen.progress import SILENT
from reportgen.runner.references import stored_clips
from tests.notes import Notes


@pytest.fixture(scope="module")
def network() -> Network:
    return load_network("texture_motion")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    rng = np.random.default_rng(0)
    for name in ("Dots_Static/a.gif", "rings moving-up/set 1/b.gif", "rings static/dots zooming/c.gif", "other/d.gif"):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        frames = [Image.fromarray(rng.integers(0, 255, (64, 64, 3), np.uint8)) for _ in range(20)]
        frames[0].save(path, save_all=True, append_images=frames[1:], duration=40)
    (tmp_path / "other" / "broken.mp4").write_bytes(b"\0" * 100)
    return tmp_path


def test_the_innermost_folder_that_is_called_like_a_class_is_the_label(network: Network, folder: Path) -> None:
    found = {clip.name: clip.label for clip in stored_clips(network, folder, SILENT)}
    labels = {name: None if index is None else network.labels[index] for name, index in found.items()}
    assert labels == {
        "r00001-a": "dots static",
        "r00002-broken": None,
        "r00003-d": None,
        "r00004-b": "rings moving up",
        "r00005-c": "dots zooming",
    }


def test_a_clip_is_read_when_it_is_asked_for_and_says_why_it_cannot_be(network: Network, folder: Path) -> None:
    clips = {clip.name: clip for clip in stored_clips(network, folder, SILENT)}
    reference = clips["r00001-a"]
    clip = reference.load()
    assert clip.pixels.shape == (1, 3, 16, 64, 64)
    assert (clip.name, clip.source, clip.label) == ("r00001-a", "a.gif", reference.label)
    assert clip.digest == reference.digest
    with pytest.raises(ClipError):
        clips["r00002-broken"].load()


def test_each_picture_is_a_clip_for_a_network_of_single_frames(network: Network, tmp_path: Path) -> None:
    assert network.card is not None
    (tmp_path / "dots static").mkdir()
    for number in range(3):
        Image.fromarray(np.full((64, 64, 3), 40 * number, np.uint8)).save(tmp_path / "dots static" / f"{number}.png")
    clip = network.card.clip.model_copy(update={"frames": 1})
    single = replace(network, card=network.card.model_copy(update={"clip": clip}))
    found = stored_clips(single, tmp_path, SILENT)
    assert [one.label for one in found] == [network.labels.index("dots static")] * 3
    assert [one.load().pixels[0, 0, 0, 0, 0] * 255 for one in found] == pytest.approx([0, 40, 80])
    assert len(stored_clips(network, tmp_path, SILENT)) == 1


def test_a_copy_of_a_clip_is_left_out_and_it_is_said(network: Network, folder: Path) -> None:
    first = folder / "Dots_Static/a.gif"
    for place in ("Dots_Static/again.gif", "Dots_Static/inner/b.gif", "other/a.gif"):
        (folder / place).parent.mkdir(exist_ok=True)
        (folder / place).write_bytes(first.read_bytes())
    (folder / "other" / "gone.gif").symlink_to(folder / "nowhere.gif")
    (folder / "other" / "lost.gif").symlink_to(folder / "nowhere.gif")
    told = Notes()
    found = stored_clips(network, folder, told)
    names = [clip.name.partition("-")[2] for clip in found]
    assert sorted(names) == ["a", "a", "b", "broken", "c", "d", "gone", "lost"], "one under another label is no copy"
    assert told.said == [f"2 of 10 clips in {folder.name} are copies of others and left out: a clip counts once."]
