from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from reportgen.media import coloured_heat, coloured_motion, heat_over_clip
from reportgen.media.colours import diverging, magma
from reportgen.motion_colour import motion_to_rgb


def lightness(rgb: NDArray[np.uint8]) -> NDArray[np.float64]:
    """CIE L* of sRGB colours."""
    share = rgb / 255
    linear = np.where(share <= 0.04045, share / 12.92, ((share + 0.055) / 1.055) ** 2.4)
    luminance = linear @ np.array([0.2126, 0.7152, 0.0722])
    return np.asarray(np.where(luminance > 0.008856, 116 * np.cbrt(luminance) - 16, 903.3 * luminance))


def test_magma_goes_from_black_to_cream_and_only_becomes_lighter() -> None:
    assert magma(np.array([-1.0, 0.0, 0.5, 1.0, 7.0])).tolist() == [
        [0, 0, 4],
        [0, 0, 4],
        [182, 55, 121],
        [252, 253, 191],
        [252, 253, 191],
    ]
    assert np.all(np.diff(lightness(magma(np.linspace(0, 1, 65)))) > 0)


def test_diverging_is_blue_below_white_at_zero_and_red_above() -> None:
    assert diverging(np.array([0.0])).tolist() == [[255, 255, 255]]
    low, high = diverging(np.array([-0.6, 0.6])).astype(int)
    assert low[2] > low[0] + 80
    assert high[0] > high[2] + 80
    values = np.linspace(0, 1, 33)
    assert np.abs(lightness(diverging(values)) - lightness(diverging(-values))).max() < 3


class TestHeat:
    clip = np.full((2, 4, 4, 3), 0.5)

    def test_no_heat_shows_the_greyed_clip_and_full_heat_hides_it(self) -> None:
        heat = np.zeros((2, 4, 4))
        heat[1] = 3.0
        coloured = self.clip * (1.0, 0.2, 0.2)
        grey = round((0.299 + 0.2 * 0.587 + 0.2 * 0.114) * 127.5)
        for signed, end in ((False, magma(np.array([1.0]))), (True, diverging(np.array([1.0])))):
            shown = heat_over_clip(heat, coloured, 3.0, signed=signed).astype(int)
            assert np.abs(shown[0] - grey).max() <= 1
            assert np.ptp(shown[0, ..., :], axis=-1).max() == 0
            assert np.abs(shown[1] - end).max() <= 0.1 * 255

    def test_negative_evidence_is_blue_where_maps_are_signed(self) -> None:
        shown = heat_over_clip(np.full((2, 4, 4), -1.0), self.clip, 1.0, signed=True).astype(int)
        assert np.all(shown[..., 2] > shown[..., 0] + 40)
        unsigned = heat_over_clip(np.full((2, 4, 4), -1.0), self.clip, 1.0, signed=False)
        assert np.ptp(unsigned, axis=-1).max() == 0

    def test_the_scale_is_the_end_of_the_map(self) -> None:
        heat = np.array([[[0.0, 1e-9, 2e-9]]])
        assert np.array_equal(coloured_heat(heat, 2e-9, signed=False)[0, 0], magma(np.array([0.0, 0.5, 1.0])))

    @pytest.mark.parametrize("scale", [0.0, -1.0, float("nan"), float("inf")])
    def test_a_scale_that_is_none_is_an_error(self, scale: float) -> None:
        with pytest.raises(ValueError, match="scale must be positive"):
            coloured_heat(np.ones((1, 2, 2)), scale, signed=False)

    def test_maps_of_another_shape_or_not_finite_are_errors(self) -> None:
        with pytest.raises(ValueError, match="heat must be T H W like its clip"):
            heat_over_clip(np.ones((2, 3, 4)), self.clip, 1.0, signed=False)
        with pytest.raises(ValueError, match="finite"):
            heat_over_clip(np.full((2, 4, 4), np.nan), self.clip, 1.0, signed=False)


class TestMotion:
    def test_colours_are_the_wheel_s_and_grey_without_evidence(self) -> None:
        motion = np.zeros((2, 2, 3, 3), np.float32)
        motion[:, 0] = 2.0
        evidence = np.ones((2, 3, 3), bool)
        evidence[1, 0, 0] = False
        shown = coloured_motion(motion, evidence, 2.0)
        assert shown.shape == (2, 3, 3, 3)
        assert shown[1, 0, 0].tolist() == [128, 128, 128]
        assert np.array_equal(shown[0], motion_to_rgb(motion, 2.0)[0])
        assert shown[0, 0, 0, 0] > shown[0, 0, 0, 1:].max(), "rightward is red"

    def test_arrows_stand_on_the_colours_where_they_are_asked_for(self) -> None:
        motion = np.zeros((1, 2, 16, 16), np.float32)
        motion[:, 0] = 2.0
        plain = coloured_motion(motion, np.ones((1, 16, 16), bool), 2.0)
        shown = coloured_motion(motion, np.ones((1, 16, 16), bool), 2.0, arrows=True)
        assert (shown[0, [4, 12], 12] < plain[0, [4, 12], 12]).any(axis=-1).all(), "8 px long at full colour"
        changed = (shown != plain).any(axis=-1)[0]
        assert not changed[[row for row in range(16) if row not in (4, 12)]].any()

    def test_wrong_shapes_are_errors(self) -> None:
        with pytest.raises(ValueError, match="motion must be T 2 H W"):
            coloured_motion(np.zeros((2, 3, 3, 3)), np.ones((2, 3, 3), bool), 1.0)
