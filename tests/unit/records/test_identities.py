"""Identities are parsed where they are printed, and globs over them select."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reportgen.records.identities import KernelId, TargetId, is_selected, slug
from reportgen.records.targets import Target

MODELS = st.text(max_size=12).map(slug)
NUMBERS = st.integers(0, 999_999)


@given(MODELS, st.text(max_size=12), NUMBERS)
def test_a_kernel_is_read_as_it_is_printed_whatever_its_layer_is_called(model: str, layer: str, index: int) -> None:
    kernel = KernelId(model=model, layer=layer, index=index)
    assert KernelId.parse(str(kernel)) == kernel


@given(MODELS, st.text(max_size=12).map(slug), NUMBERS, st.none() | NUMBERS)
def test_a_class_on_a_clip_is_read_as_it_is_printed(model: str, clip: str, index: int, against: int | None) -> None:
    asked = TargetId(model=model, clip=clip, target=Target.of(index, against))
    assert TargetId.parse(str(asked)) == asked
    assert TargetId.parse(f"{asked}/grad_cam") == asked


@pytest.mark.parametrize(
    "text", ["", "i3d", "i3d/0042", "i3d/conv1/", "i3d/conv1/x", "i3d/conv1/٣", "i3d/a/1234567890"]
)
def test_what_is_no_kernel_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="no kernel"):
        KernelId.parse(text)


@pytest.mark.parametrize(
    "text", ["i3d/conv1/0042", "i3d/clip/class-", "clip/class-1", "i3d/clip/class-1-vs-", "i3d/c/class-1x"]
)
def test_what_is_no_class_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="no target"):
        TargetId.parse(text)


@pytest.mark.parametrize(
    ("pattern", "selected"),
    [
        ("i3d", {"kernel", "other kernel", "map", "whole"}),
        ("i3d/conv1", {"kernel"}),
        ("i3d/conv1/0042", {"kernel"}),
        ("i3d/conv*", {"kernel", "other kernel"}),
        ("*/004?", {"kernel", "other kernel"}),
        ("*/clip/*", {"map"}),
        ("i3d/clip/class-0002", {"map"}),
        ("i3d/clip/class-0002/grad_cam", {"map"}),
        ("i3d/conv", set()),
        ("0042", set()),
    ],
)
def test_a_glob_selects_an_identity_and_what_lies_below_it(pattern: str, selected: set[str]) -> None:
    units = {
        "kernel": "i3d/conv1/0042",
        "other kernel": "i3d/conv[2]/0042",
        "map": "i3d/clip/class-0002/grad_cam",
        "whole": "i3d",
    }
    assert {name for name, unit in units.items() if is_selected(unit, (pattern,))} == selected


def test_a_name_with_signs_of_a_glob_selects_itself() -> None:
    assert is_selected("i3d/conv[2]/0042", ("i3d/conv[2]/0042",))
