from __future__ import annotations

import numpy as np
import pytest

from reportgen.media.similarity import similarity


def test_equal_pictures_are_wholly_alike_and_turned_ones_opposite() -> None:
    noise = np.random.default_rng(0).integers(0, 256, (64, 48, 3)).astype(np.uint8)
    assert similarity(noise, noise) == pytest.approx(1)
    assert similarity(255 - noise, noise) < -0.9


def test_the_figure_is_that_of_the_published_equation() -> None:
    """One window of 8x8 and what is left of it at two edges, each by the equation itself."""
    rng = np.random.default_rng(1)
    one, other = (rng.integers(0, 256, (11, 13, 1)).astype(np.uint8) for _ in range(2))
    found = []
    for rows in (slice(0, 8), slice(8, 11)):
        for columns in (slice(0, 8), slice(8, 13)):
            x, y = one[rows, columns].astype(float), other[rows, columns].astype(float)
            shared = ((x - x.mean()) * (y - y.mean())).mean()
            light = (2 * x.mean() * y.mean() + 2.55**2) / (x.mean() ** 2 + y.mean() ** 2 + 2.55**2)
            found.append(light * (2 * shared + 7.65**2) / (x.var() + y.var() + 7.65**2))
    assert similarity(one, other) == pytest.approx(np.mean(found), rel=1e-5)


def test_what_is_weaker_suffers_more_of_the_same_error() -> None:
    rng = np.random.default_rng(2)
    signal, error = rng.standard_normal((64, 64, 3)), 6 * rng.standard_normal((64, 64, 3))
    told = []
    for strength in (5, 15, 60):
        source = np.clip(128 + strength * signal, 0, 255).astype(np.uint8)
        told.append(similarity(np.clip(source + error, 0, 255).astype(np.uint8), source))
    assert told[0] < 0.8 < told[1] < 0.95 < told[2]


def test_pictures_of_two_shapes_are_refused() -> None:
    with pytest.raises(ValueError, match="one shape"):
        similarity(np.zeros((4, 4, 3), np.uint8), np.zeros((4, 5, 3), np.uint8))
