"""Colours of motion: hue says where to, saturation how fast, grey that nobody knows."""

from __future__ import annotations

import numpy as np
import pytest

from reportgen.errors import OptionError
from reportgen.motion_colour import colour_wheel, draw_arrows, motion_to_rgb


def colour(dx: float, dy: float, max_speed: float = 1.0) -> tuple[int, ...]:
    return tuple(int(level) for level in motion_to_rgb(np.array([dx, dy]).reshape(2, 1, 1), max_speed)[0, 0])


def test_the_four_directions() -> None:
    assert colour(1, 0) == (255, 0, 0)
    red, green, blue = colour(0, 1)
    assert (red, blue) == (255, 0)
    assert green > 220
    red, green, blue = colour(-1, 0)
    assert (red, blue) == (0, 255)
    assert green > 180
    red, green, blue = colour(0, -1)
    assert (green, blue) == (0, 255)
    assert 50 < red < 140


def test_none_is_white_and_half_is_half_way() -> None:
    assert colour(0, 0) == (255, 255, 255)
    assert colour(0.5, 0) == (255, 128, 128)
    assert colour(1, 0, max_speed=2) == (255, 128, 128)


def test_too_fast_is_darker() -> None:
    assert colour(2, 0) == (191, 0, 0)


def test_colours_change_steadily_around_the_circle() -> None:
    angle = np.linspace(0, 2 * np.pi, 721)
    colours = motion_to_rgb(np.stack([np.cos(angle), np.sin(angle)])[:, None] * 0.999, 1.0)[0].astype(int)
    assert np.abs(np.diff(colours, axis=0)).max() <= 7
    assert len(np.unique(colours, axis=0)) > 300
    assert np.abs(colours[0] - colours[-1]).max() <= 1


def test_unknown_pixels_are_grey() -> None:
    motion = np.ones((3, 2, 4, 5))
    motion[0, 0, 0, 0] = np.nan
    evidence = np.ones((3, 4, 5), dtype=bool)
    evidence[1] = False
    shown = motion_to_rgb(motion, 2.0, evidence=evidence)
    assert shown.shape == (3, 4, 5, 3)
    assert shown.dtype == np.uint8
    assert (shown[0, 0, 0] == 128).all()
    assert (shown[1] == 128).all()
    assert (shown[2] != 128).any()


@pytest.mark.parametrize("speed", [0.0, -1.0, float("nan")])
def test_a_scale_must_be_positive(speed: float) -> None:
    with pytest.raises(OptionError, match="above 0"):
        motion_to_rgb(np.zeros((2, 1, 1)), speed)


def test_the_wheel_shows_each_direction_where_it_points() -> None:
    wheel = colour_wheel(65, 3.0)
    assert wheel.shape == (65, 65, 3)
    assert tuple(wheel[32, 32]) == (255, 255, 255)
    assert tuple(wheel[32, 64]) == colour(1, 0)
    assert tuple(wheel[64, 32]) == colour(0, 1)
    assert tuple(wheel[32, 0]) == colour(-1, 0)
    assert tuple(wheel[0, 32]) == colour(0, -1)
    assert tuple(wheel[0, 0]) == (128, 128, 128)


def test_arrows_point_where_motion_goes() -> None:
    white = np.full((2, 16, 16, 3), 255, dtype=np.uint8)
    motion = np.zeros((2, 2, 16, 16))
    motion[1, 0] = 1.0
    drawn = draw_arrows(white, motion, 1.0, spacing=8)
    assert (white == 255).all()
    assert (drawn[0] == 255).all()
    assert (drawn[1, 4, 12] < 255).all()
    assert (drawn[1, [4, 12], 4] < 255).all()
    assert (drawn[1, 5:12] == 255).all()
    evidence = np.zeros((2, 16, 16), dtype=bool)
    assert (draw_arrows(white, motion, 1.0, spacing=8, evidence=evidence) == 255).all()
