"""Stripes in black and white: their edges lie on pixels and their harmonics alias, and they are told as they move."""

from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor

from reportgen.analyses.decomposition.decompose import decompose
from reportgen.analyses.kernels.pattern import pattern

SHAPE = (12, 40, 40)
STRIPES = [  # period in px, direction in degrees, speed in px/frame; together what pixels get wrong most
    (4.6, 44.0, 1.6),
    (4.1, 98.0, 1.1),
    (5.3, 103.0, 2.2),
    (4.3, 52.0, 1.8),
    (11.4, 80.0, 0.2),
    (7.9, 174.0, 0.2),
    (5.6, 273.0, 0.8),
    (9.0, 301.0, 3.0),
]


def stripes(period: float, degrees: float, speed: float, *, soft: bool = False) -> Tensor:
    """Return stripes `1 C T H W` that move across themselves."""
    t, y, x = torch.meshgrid(*[torch.arange(size, dtype=torch.float64) for size in SHAPE], indexing="ij")
    across = x * math.cos(math.radians(degrees)) + y * math.sin(math.radians(degrees))
    wave = torch.cos(2 * math.pi / period * (across - speed * t) + 1.0)
    return (0.5 + 0.5 * (wave if soft else wave.sign())).float().expand(1, 3, *SHAPE)


@pytest.mark.parametrize("soft", [False, pytest.param(True, marks=pytest.mark.long)], ids=["black and white", "sine"])
def test_stripes_are_told_with_the_speed_and_direction_across_them(soft: bool) -> None:
    found = decompose(torch.cat([stripes(*each, soft=soft) for each in STRIPES]))
    for place, (period, degrees, speed) in enumerate(STRIPES):
        told, margin = float(found.mean_speed[place]), float(found.speed_margin[place])
        assert told == pytest.approx(speed, rel=0.06), (period, degrees, speed)
        assert abs(told - speed) <= margin <= 0.1 * told, (period, degrees, speed)
        assert abs((float(found.direction[place]) - degrees + 180) % 360 - 180) <= 4, (period, degrees, speed)


def test_black_and_white_stripes_are_told_with_their_period() -> None:
    for period, degrees, speed in STRIPES:
        found = pattern(stripes(period, degrees, speed)[0].permute(1, 2, 3, 0).numpy())
        assert (found.kind, found.size) == ("stripes", pytest.approx(period, rel=0.05))


def test_what_moves_as_no_whole_has_no_exact_speed() -> None:
    """Halves that move apart are not one pattern, and stripes that jump at random have no speed of their own."""
    one, other = stripes(8.0, 0.0, 1.0), stripes(8.0, 180.0, 1.0)
    apart = decompose(torch.cat([one[..., :20, :], other[..., 20:, :]], -2))
    assert float(apart.mean_speed) == pytest.approx(1.0, rel=0.1)
    assert float(apart.coherence) < 0.2
