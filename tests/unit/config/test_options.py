"""Build options: how kernels and frames are written, and what presets ask of methods."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reportgen.analyses.choice.selection import KernelSelection
from reportgen.analyses.faithfulness.parameters import FaithfulnessParameters
from reportgen.analyses.path.parameters import PathParameters
from reportgen.config.options import BuildOptions, parse_frames
from reportgen.errors import OptionError, UnknownNameError


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


@pytest.mark.parametrize("text", ["0", "", ",", "a", "3-", "-3", "1.5", "4;5", "0-9999999999", "99999999999,"])
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


def test_presets_show_more_and_more_kernels() -> None:
    counts = [BuildOptions(preset=preset).kernel_selection().count for preset in ("quick", "standard", "full")]
    assert counts == [1, 3, None]


def test_a_flag_goes_over_the_table_s_count() -> None:
    table = {"kernels": {"count": 5}}
    assert BuildOptions(parameters=table).kernel_selection().count == 5
    assert BuildOptions(parameters=table, kernels="2,7").kernel_selection().listed == (2, 7)


def test_maps_are_judged_as_they_are_made() -> None:
    options = BuildOptions(preset="quick", parameters={"saliency": {"methods": ["occlusion"], "window": [2, 8, 8]}})
    found = options.method_parameters()["faithfulness"]
    assert isinstance(found, FaithfulnessParameters)
    assert (found.methods, found.window, found.steps) == (("occlusion",), (2, 8, 8), 8)
    assert found.curve_steps == 4


def test_other_seeds_search_as_the_first_one_did() -> None:
    options = BuildOptions(parameters={"kernels": {"learning_rate": 0.2, "steps": 500}})
    found = options.method_parameters()["path"]
    assert isinstance(found, PathParameters)
    assert (found.learning_rate, found.steps) == (0.2, 64)


def test_options_from_python_are_checked_too() -> None:
    with pytest.raises(OptionError, match=r"parameter of \[kernels\] named 'stepz': did you mean steps"):
        BuildOptions(parameters={"kernels": {"stepz": 5}})


def test_the_reader_is_told_what_a_preset_makes_void() -> None:
    options = BuildOptions(preset="quick", parameters={"path": {"steps": 10}, "kernels": {"steps": 10}})
    assert options.without_effect() == ["[path] steps has no effect: with seeds = 0 there is no further search."]
    assert not BuildOptions(parameters={"path": {"steps": 10}}).without_effect()


def test_options_from_python_are_told_as_those_of_the_command_line() -> None:
    with pytest.raises(UnknownNameError, match=r"no preset named 'quik': did you mean quick"):
        BuildOptions(preset="quik")  # type: ignore[arg-type]
    with pytest.raises(UnknownNameError, match=r"no analysis named 'saliencey': did you mean saliency"):
        BuildOptions(analyses=("saliencey",))
    with pytest.raises(OptionError, match=r"no option named 'kernals': did you mean kernels"):
        BuildOptions(kernals="3")  # type: ignore[call-arg]
    with pytest.raises(OptionError) as caught:
        BuildOptions(preset="quik", seed=-1, frames="9:3", device="tpu")  # type: ignore[arg-type]
    for says in ("quik", "seed", "holds no frame", "tpu"):
        assert says in str(caught.value)
    assert BuildOptions(preset="quick", seed=3).seed == 3
