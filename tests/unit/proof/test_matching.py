"""Kernels are found again by their responses wherever they stand, and one that was edited is named."""

from __future__ import annotations

import numpy as np
import pytest

from reportgen.proof.matching import ROUNDED_AWAY, match_layers, shared_rows

CLIPS, KERNELS = 40, 24


@pytest.fixture
def responses() -> np.ndarray:
    return np.random.default_rng(0).standard_normal((CLIPS, KERNELS)) * np.linspace(0.1, 5, KERNELS)


def test_permuted_kernels_are_all_found_and_nothing_has_changed(responses: np.ndarray) -> None:
    order = np.random.default_rng(1).permutation(KERNELS)
    noisy = responses[:, order] * (1 + 1e-5 * np.random.default_rng(2).standard_normal((CLIPS, KERNELS)))
    (match,) = match_layers({"conv": responses}, {"conv": noisy})
    assert {(pair.first, pair.second) for pair in match.pairs} == {(int(old), new) for new, old in enumerate(order)}
    assert match.changed == ()
    assert match.moved == int((order != np.arange(KERNELS)).sum())
    assert match.steady == 1.0


@pytest.mark.parametrize("edit", ["other", "scaled", "shifted", "dead"])
def test_one_edited_kernel_is_named(responses: np.ndarray, edit: str) -> None:
    edited = responses.copy()
    edited[:, 7] = {
        "other": np.random.default_rng(3).standard_normal(CLIPS),
        "scaled": responses[:, 7] * 1.1,
        "shifted": responses[:, 7] + 0.5 * responses[:, 7].std(),
        "dead": np.zeros(CLIPS),
    }[edit]
    (match,) = match_layers({"conv": responses}, {"conv": edited})
    assert [(pair.first, pair.second) for pair in match.changed] == [(7, 7)]
    assert match.noise < 2 * ROUNDED_AWAY


def test_the_noise_of_two_networks_that_differ_everywhere_is_told_by_halves(responses: np.ndarray) -> None:
    other = responses + 0.3 * responses.std(axis=0) * np.random.default_rng(4).standard_normal(responses.shape)
    (match,) = match_layers({"conv": responses}, {"conv": other})
    assert len(match.changed) == KERNELS
    assert ROUNDED_AWAY < match.noise < 0.15
    assert match.steady > 0.9


def test_dead_and_equal_kernels_and_layers_of_other_sizes_are_matched(responses: np.ndarray) -> None:
    twins = responses.copy()
    twins[:, 3], twins[:, 5] = 0.0, twins[:, 4]
    (match,) = match_layers({"conv": twins, "gone": twins}, {"conv": twins})
    assert match.changed == ()
    assert next(pair for pair in match.pairs if pair.first == 3).second == 3
    (match,) = match_layers({"conv": responses}, {"conv": responses[:, :20]})
    assert match.left == ((20, 21, 22, 23), ())
    assert match.changed == ()


def test_clips_are_joined_by_name() -> None:
    assert shared_rows(["a", "b", "c"], ["c", "x", "a"]) == ([0, 2], [2, 0])
