"""Numbers as people read them."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reportgen.reading.format import (
    bytes_size,
    duration,
    fixed,
    number,
    percent,
    plain,
    plural,
    receptive_field_text,
    shape,
    short_kernel_name,
    told_apart,
)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0, "0"), (1.0, "1.00"), (12.345, "12.3"), (123.4, "123"), (12345, "12\u202f345"), (-0.5, "−0.500"),
        (0.00012, "1.20·10⁻⁴"), (-3.2e7, "−3.20·10⁷"), (math.inf, "∞"), (-math.inf, "−∞"), (math.nan, "–"), (None, "–"),
    ],
)  # fmt: skip
def test_numbers_keep_three_digits_that_matter(value: float | None, text: str) -> None:
    assert number(value) == text


@given(st.floats(min_value=1e-3, max_value=9e5))
def test_a_number_is_within_half_a_percent_of_what_is_written(value: float) -> None:
    written = float(number(value).replace("\u202f", ""))
    assert written == pytest.approx(value, rel=0.00501)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.93, "93%"),
        (1.0, "100%"),
        (0.999, ">99%"),
        (0.994, "99%"),
        (0.99, "99%"),
        (0.001, "<1%"),
        (0.0, "0%"),
        (-0.0, "0%"),
        (-0.001, ">−1%"),
        (-0.25, "−25%"),
        (None, "–"),
        (1.2, "120%"),
    ],
)
def test_what_is_not_all_is_never_called_all(value: float | None, text: str) -> None:
    assert percent(value) == text


@pytest.mark.parametrize(("value", "text"), [(5, "5"), (12000, "12\u202f000"), (0.991, "0.991"), (2.0, "2")])
def test_table_figures_carry_no_empty_digits(value: float, text: str) -> None:
    assert plain(value) == text


@pytest.mark.parametrize(
    ("seconds", "text"), [(0.02, "20 ms"), (5.0, "5.0 s"), (130, "2 min 10 s"), (7300, "2 h 1 min"), (None, "–")]
)
def test_durations(seconds: float | None, text: str) -> None:
    assert duration(seconds) == text


@pytest.mark.parametrize(("value", "text"), [(27, "27 B"), (5400, "5.4 kB"), (280_622, "281 kB"), (3e9, "3.0 GB")])
def test_sizes(value: int, text: str) -> None:
    assert bytes_size(value) == text


@pytest.mark.parametrize(("value", "text"), [(1.906, "1.91"), (-4e-8, "0.00"), (-0.25, "−0.25"), (None, "–")])
def test_columns_of_figures_have_fixed_decimals(value: float | None, text: str) -> None:
    assert fixed(value) == text


def test_words_follow_their_count() -> None:
    assert [plural(1, "clip"), plural(2, "clip"), plural(0, "clip")] == ["1 clip", "2 clips", "0 clips"]


def test_shapes() -> None:
    assert (shape((3, 7, 7)), shape(None), shape(())) == ("3×7×7", "–", "–")


def test_kernels_have_a_name_that_fits_on_a_card() -> None:
    assert short_kernel_name("s3.pathway0_res0.branch2.c", 42) == "s3 res0 c #42"
    assert short_kernel_name("branch2", 1) == "branch2 #1"


def test_a_receptive_field_says_what_is_seen_and_what_is_not_known() -> None:
    assert receptive_field_text((1, 7, 7)) == "1 frame of 7×7 px"
    assert receptive_field_text((5, None, None)) == "5 frames, all of each"
    assert receptive_field_text((None, 26, None)) == "all frames of 26×all px"
    assert receptive_field_text((None, None, None)) == "the whole clip"
    assert receptive_field_text(None) == "not known"


@given(st.floats(0, 1), st.floats(0, 1))
def test_two_numbers_read_alike_only_where_they_are_within_a_millionth(value: float, other: float) -> None:
    texts = told_apart(fixed, 2, value, other)
    assert texts[0] != texts[1] or abs(value - other) < 1e-6
    if abs(value - other) > 0.01:
        assert texts == [fixed(value), fixed(other)]
