"""The nearest kernels are those of the highest correlation, or of the least difference; none is its own neighbour."""

from __future__ import annotations

import numpy as np
import pytest

from reportgen.reading.nearest import (
    nearest_by_profile,
    nearest_by_response,
    nearest_by_texture,
    texture_difference,
)
from reportgen.records.answers.pattern import PatternAnswer

RNG = np.random.default_rng(3)


def test_a_scaled_copy_is_the_nearest_and_a_mirrored_one_the_last() -> None:
    base, other = RNG.normal(size=50), RNG.normal(size=50)
    responses = np.stack([base, 3 * base + 2, -base, other], axis=1)
    first = nearest_by_response(responses)[0]
    assert [index for index, _ in first] == [1, 3, 2]
    assert first[0][1] == pytest.approx(1.0, abs=1e-6)
    assert first[-1][1] == pytest.approx(-1.0, abs=1e-6)
    assert first[1][1] == pytest.approx(np.corrcoef(base, other)[0, 1], abs=1e-6)


def test_correlations_are_those_of_numpy_whatever_comes_at_once() -> None:
    responses = RNG.gamma(2.0, size=(60, 1500))
    found = nearest_by_response(responses, most=3)
    expected = np.corrcoef(responses.T)
    np.fill_diagonal(expected, -np.inf)
    for kernel in (0, 1023, 1024, 1499):
        order = np.argsort(-expected[kernel], kind="stable")[:3]
        assert [index for index, _ in found[kernel]] == order.tolist()
        assert [value for _, value in found[kernel]] == pytest.approx(expected[kernel][order].tolist(), abs=1e-5)


def test_a_kernel_that_answers_alike_to_all_clips_is_nobodys_neighbour() -> None:
    responses = np.stack([RNG.normal(size=20), np.full(20, 0.7), RNG.normal(size=20)], axis=1)
    found = nearest_by_response(responses)
    assert found[1] == []
    assert [index for index, _ in found[0]] == [2]


def test_profiles_are_compared_by_the_mean_difference_of_their_shares() -> None:
    profiles = np.array([[1.0, 0.5], [0.9, 0.5], [0.0, 0.0], [np.nan, 0.5]])
    found = nearest_by_profile(profiles)
    assert [index for index, _ in found[0]] == [1, 2]
    assert [value for _, value in found[0]] == pytest.approx([0.05, 0.75])
    assert found[3] == []
    assert all(other != 3 for others in found for other, _ in others)


def test_no_more_are_told_than_were_asked_for() -> None:
    assert {len(others) for others in nearest_by_response(RNG.normal(size=(30, 9)), most=4)} == {4}
    assert nearest_by_response(RNG.normal(size=(30, 1))) == [[]]


def pattern(kind: str | None, **measures: object) -> PatternAnswer:
    return PatternAnswer.model_validate({"kind": kind, **measures})


BLACK, WHITE = (0.0, 0.0, 0.0), (1.0, 1.0, 1.0)


def test_textures_differ_by_kind_size_turn_and_colour_each_from_none_to_one() -> None:
    stripes = pattern("stripes", orientation=0.0, size=4.0, ends=(BLACK, WHITE))
    assert texture_difference(stripes, stripes) == 0.0
    for change, expected in (
        ({"kind": "checks"}, 0.25),
        ({"size": 8.0}, 0.25),
        ({"size": 40.0}, 0.25),
        ({"orientation": 90.0}, 0.25),
        ({"orientation": 180.0}, 0.0),
        ({"orientation": 135.0}, 0.125),
        ({"ends": (WHITE, BLACK)}, 0.25),
        ({"size": None}, 0.0),
    ):
        other = stripes.model_copy(update=change)
        assert texture_difference(stripes, other) == pytest.approx(expected), change
        assert texture_difference(other, stripes) == pytest.approx(expected), change
    assert texture_difference(stripes, pattern(None)) is None


def test_the_nearest_texture_is_of_the_same_kind_and_a_kernel_without_a_word_has_none() -> None:
    patterns = {
        1: pattern("stripes", size=4.0),
        2: pattern("checks", size=4.0),
        3: pattern("stripes", size=5.0),
        4: pattern(None),
    }
    found = nearest_by_texture(patterns)
    assert [other for other, _ in found[1]] == [3, 2]
    assert found[4] == []
    assert nearest_by_texture(patterns, most=1)[2] == [(1, pytest.approx(0.5))]
