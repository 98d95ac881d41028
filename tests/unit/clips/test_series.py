"""Numbered names are put in order by their numbers, and those of different series are kept apart."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from reportgen.clips import folder as folder_module
from reportgen.clips import read_clip
from reportgen.clips.collection import find_clips
from reportgen.clips.series import in_order, split_series
from reportgen.errors import ClipError

from .numbered import frame, numbers, spec


class TestOrder:
    @given(
        st.sets(st.integers(0, 10**25), min_size=1, max_size=30), st.sampled_from(["frame_{}.png", "{}", "a.{}.jpg"])
    )
    def test_whole_numbers_of_any_length(self, counts: set[int], form: str) -> None:
        assert in_order(form.format(count) for count in counts) == [form.format(count) for count in sorted(counts)]

    @pytest.mark.parametrize("step", [0.04, 0.25, 0.5, 0.1, 0.125, 1 / 3])
    @pytest.mark.parametrize("form", ["t{:g}.png", "t{:.3f}.png", "clip_{:g}s.jpg"])
    def test_times_with_a_point(self, step: float, form: str) -> None:
        names = [form.format(index * step) for index in range(25)]
        assert in_order(reversed(names)) == names

    @pytest.mark.parametrize("form", ["shot1.{}.png", "v2.{}", "take1.{}_final.jpg"])
    @pytest.mark.parametrize("first", [0, 1, 8])
    def test_parts_that_count_are_no_decimals(self, form: str, first: int) -> None:
        names = [form.format(number) for number in range(first, first + 15)]
        assert in_order(reversed(names)) == names

    def test_versions_and_dates_are_compared_part_by_part(self) -> None:
        names = ["r1.2.9.png", "r1.2.10.png", "r1.10.1.png"]
        assert in_order(reversed(names)) == names

    def test_a_name_of_very_many_digits(self) -> None:
        names = [f"{'9' * 5000}.{'1' * size}" for size in (5000, 5001)]
        assert in_order(reversed(names)) == names


class TestSeries:
    @pytest.mark.parametrize(
        "names",
        [
            [f"img_{n}.jpg" for n in range(20)],
            [f"{n:05d}.png" for n in range(20)],
            [f"IMG_{n:04d}.{'JPG' if n % 2 else 'jpeg'}" for n in range(20)],
            [f"t{n * 0.04:g}.png" for n in range(30)],
            [f"clip7_480p_{n}.png" for n in range(12)],
            [f"{n:03d}_of_12.png" for n in range(12)],
            [f"2024-01-02_{12 + n // 60}-{n % 60:02d}-30.png" for n in range(40, 100)],
            ["red.png", "green.png", "blue.png"],
            ["a.png"],
            ["one_1.png", "two_2.png"],
        ],
    )
    def test_one(self, names: list[str]) -> None:
        ((label, members),) = split_series(names[::-1]).items()
        assert sorted(members) == sorted(names)
        assert label

    def test_of_different_words(self) -> None:
        names = [f"{kind}_{n:05d}.jpg" for n in range(8) for kind in ("img", "flow_x", "flow_y")]
        series = split_series(names)
        assert list(series) == ["flow_x_*.jpg", "flow_y_*.jpg", "img_*.jpg"]
        assert series["img_*.jpg"] == [f"img_{n:05d}.jpg" for n in range(8)]

    def test_of_the_same_numbers_with_two_suffixes(self) -> None:
        names = [f"{n}.{suffix}" for n in range(8) for suffix in ("png", "jpg")]
        assert split_series(names) == {f"*.{s}": [f"{n}.{s}" for n in range(8)] for s in ("jpg", "png")}

    def test_of_several_cameras(self) -> None:
        names = [f"cam{camera}_{n:04d}.png" for camera in (1, 2) for n in range(9)]
        assert {label: len(members) for label, members in split_series(names).items()} == {
            "cam1_*.png": 9,
            "cam2_*.png": 9,
        }
        turned = [f"{n:04d}_view{camera}.png" for camera in (1, 2) for n in range(9)]
        assert list(split_series(turned)) == ["*_view1.png", "*_view2.png"]

    def test_a_cover_is_a_series_of_its_own(self) -> None:
        assert list(split_series(["cover.jpg", *(f"f{n}.jpg" for n in range(9))])) == ["cover.jpg", "f*.jpg"]

    @given(st.lists(st.text("ab01_.*", min_size=1, max_size=8), unique=True, max_size=12))
    def test_every_name_is_in_one_series(self, names: list[str]) -> None:
        members = [name for series in split_series(names).values() for name in series]
        assert sorted(members) == sorted(names)


def write_images(folder: Path, form: str, count: int, first: int) -> None:
    folder.mkdir(exist_ok=True)
    for number in range(count):
        Image.fromarray(frame(first + number)).save(folder / form.format(number))


@pytest.fixture
def two_series(tmp_path: Path) -> Path:
    """Frames 0 to 5 as img_*, and 100 to 105 as flow_x_*."""
    write_images(tmp_path / "raw_frames", "img_{}.png", 6, 0)
    write_images(tmp_path / "raw_frames", "flow_x_{}.png", 6, 100)
    return tmp_path / "raw_frames"


class TestFoldersOfSeveral:
    def test_are_named_and_one_is_asked_for(self, two_series: Path) -> None:
        with pytest.raises(
            ClipError,
            match=r"raw_frames holds 2 series of images \(flow_x_\*\.png, img_\*\.png\): choose one by 'raw_fra",
        ):
            read_clip(two_series, spec(4))

    @pytest.mark.parametrize(("choice", "first"), [("img_*.png", 1), ("img", 1), ("flow_x_*.png", 101), ("f", 101)])
    def test_one_is_read(self, two_series: Path, choice: str, first: int) -> None:
        clip = read_clip(f"{two_series}::{choice}", spec(4))
        assert numbers(clip.frames) == list(range(first, first + 4))
        assert clip.title == f"raw frames {'img' if first == 1 else 'flow x'}"

    def test_one_that_is_not_there(self, two_series: Path) -> None:
        with pytest.raises(ClipError, match=r"did you mean img_\*\.png"):
            read_clip(f"{two_series}::imag_*.png", spec(4))

    def test_each_is_found_as_a_clip(self, two_series: Path) -> None:
        found = find_clips(two_series.parent)
        assert [clip.title for clip in found] == ["raw_frames flow_x", "raw_frames img"]
        assert [numbers(read_clip(clip.path, spec(1)).frames) for clip in found] == [[102], [2]]
        assert found[0].digest() != found[1].digest()


def test_times_in_names_give_the_order_of_the_frames(tmp_path: Path) -> None:
    (tmp_path / "times").mkdir()
    for number in range(1, 27):
        Image.fromarray(frame(number)).save(tmp_path / "times" / f"t{number * 0.04:g}.png")
    assert numbers(read_clip(tmp_path / "times", spec(26)).frames) == list(range(1, 27))


def test_a_folder_of_too_many_entries_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(folder_module, "MAX_ENTRIES", 5)
    write_images(tmp_path / "clip", "{}.png", 6, 0)
    with pytest.raises(ClipError, match="more than 5 entries"):
        read_clip(tmp_path / "clip", spec(1))
