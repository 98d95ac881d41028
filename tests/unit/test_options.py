"""Build options: where each value comes from, and what is not valid."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reportgen.errors import OptionError, UnknownNameError
from reportgen.options import PRESETS, KernelSelection, load_options, parse_frames

ANALYSES = ("kernels", "saliency")


@pytest.mark.parametrize(
    ("text", "count", "listed"),
    [
        ("3", 3, ()),
        ("all", None, ()),
        ("5,", None, (5,)),
        ("0,4,8-11", None, (0, 4, 8, 9, 10, 11)),
        ("2,2", None, (2,)),
    ],
)
def test_kernels_are_a_number_all_or_a_list(text: str, count: int | None, listed: tuple[int, ...]) -> None:
    assert KernelSelection.parse(text) == KernelSelection(count=count, listed=listed)


@pytest.mark.parametrize("text", ["0", "", ",", "a", "3-", "-3", "1.5", "4;5"])
def test_other_kernels_are_refused(text: str) -> None:
    with pytest.raises(ValueError, match="kernels"):
        KernelSelection.parse(text)


@given(st.lists(st.integers(0, 999), min_size=1, unique=True))
def test_a_list_of_kernels_is_read_in_its_order(indices: list[int]) -> None:
    assert KernelSelection.parse(",".join(map(str, indices)) + ",").listed == tuple(indices)


@pytest.mark.parametrize(
    ("text", "frames"), [("3:9", (3, 9)), (":9", (None, 9)), ("3:", (3, None)), (":", (None, None))]
)
def test_frames_are_a_range(text: str, frames: tuple[int | None, int | None]) -> None:
    assert parse_frames(text) == frames


@pytest.mark.parametrize("text", ["9:3", "3:3", "3", "a:b", "1:2:3", "-1:4"])
def test_other_frames_are_refused(text: str) -> None:
    with pytest.raises(ValueError, match="frames"):
        parse_frames(text)


def test_a_flag_goes_over_the_file_and_the_file_over_the_default(tmp_path: Path) -> None:
    config = tmp_path / "reportgen.toml"
    config.write_text('preset = "quick"\nseed = 7\nmodels = ["c3d"]\n[kernels]\nsteps = 12\n')
    options = load_options({"seed": 9, "preset": None, "clips": ()}, config=config, analyses=ANALYSES)
    assert (options.seed, options.preset, options.models, options.device) == (9, "quick", ("c3d",), "auto")
    preset = {name: value for name, value in PRESETS["quick"]["kernels"].items() if name != "count"}
    assert options.analysis_parameters("kernels") == {**preset, "steps": 12}
    assert options.analysis_parameters("saliency") == PRESETS["quick"]["saliency"]


def test_the_working_folder_s_file_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert load_options({}).seed == 0
    Path("reportgen.toml").write_text("seed = 5\n")
    assert load_options({}).seed == 5


@pytest.mark.parametrize(
    "text", ["seed = -1\n", "sed = 1\n", "preset = \n", "[kernls]\nsteps = 1\n", "device = 'gpu'\n"]
)
def test_a_faulty_file_is_refused(tmp_path: Path, text: str) -> None:
    config = tmp_path / "reportgen.toml"
    config.write_text(text)
    with pytest.raises(OptionError):
        load_options({}, config=config, analyses=ANALYSES)


def test_every_bad_value_is_named() -> None:
    with pytest.raises(OptionError) as caught:
        load_options({"preset": "quik", "device": "gpu", "frames": "9:3", "analyses": ("kernls",)}, analyses=ANALYSES)
    for word in ("quick", "gpu", "9:3", "kernels"):
        assert word in str(caught.value)


def test_one_unknown_name_keeps_its_own_error() -> None:
    with pytest.raises(UnknownNameError, match="did you mean quick"):
        load_options({"preset": "quik"})


def test_presets_name_the_same_analyses() -> None:
    assert len({frozenset(preset) for preset in PRESETS.values()}) == 1


def test_limits_of_the_audit_come_from_the_table_check(tmp_path: Path) -> None:
    config = tmp_path / "own.toml"
    config.write_text("[check]\nfaithful_maps = [0.2, 0.1]\n")
    limits = load_options({}, config=config, analyses=ANALYSES).check
    assert limits.faithful_maps == (0.2, 0.1)
    assert limits.above_real == (0.9, 0.5)
    config.write_text("[check]\nfaithful = [0.2, 0.1]\n")
    with pytest.raises(OptionError, match=r"check\.faithful"):
        load_options({}, config=config, analyses=ANALYSES)


def test_maps_are_judged_as_they_are_made() -> None:
    options = load_options({"preset": "quick", "parameters": {"saliency": {"methods": ["occlusion"]}}})
    assert options.analysis_parameters("faithfulness")["methods"] == ["occlusion"]
    assert options.analysis_parameters("faithfulness")["steps"] == PRESETS["quick"]["faithfulness"]["steps"]


def test_names_belong_to_the_models_that_they_are_given_with(tmp_path: Path) -> None:
    config = tmp_path / "reportgen.toml"
    config.write_text('models = ["c3d", "i3d"]\nnames = ["before", "after"]\n')
    assert load_options({}, config=config).names == ("before", "after")
    assert load_options({"models": ("c3d",)}, config=config).names == ()
    assert load_options({"models": ("c3d",), "names": ("mine",)}, config=config).names == ("mine",)
    assert load_options({"names": ("x", "y")}, config=config).names == ("x", "y")


@pytest.mark.parametrize(
    ("names", "why"),
    [
        (("one",), "one --name for each --model"),
        (("one", "two", "three"), "one --name for each --model"),
        (("one", "one"), "share the folder"),
        (("my net", "my-net"), "share the folder"),
        (("Net", "net"), "share the folder"),
        (("", "b"), "letter or digit"),
        (("../", "b"), "letter or digit"),
        (("a\nb", "b"), "printable"),
        (("a" * 81, "b"), "at most 80"),
    ],
)
def test_names_that_cannot_tell_networks_apart_are_refused(names: tuple[str, ...], why: str) -> None:
    with pytest.raises(OptionError, match=why):
        load_options({"models": ("c3d", "i3d"), "names": names})
