"""The volume as a browser draws it is the volume: rays through planted voxels, held against NumPy."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.chromium import playwright_api

pytestmark = pytest.mark.browser

SCRIPT = Path(__file__).resolve().parents[2] / "templates" / "assets" / "js" / "volumes" / "march.js"
GREY = "Uint8Array.from({ length: 768 }, (_, i) => Math.floor(i / 3))"
DRAW = f"""([levels, size, view, look]) => {{
  const canvas = document.createElement("canvas");
  [canvas.width, canvas.height] = view;
  const marcher = reportgen.marcher(canvas);
  marcher.load(Uint8Array.from(levels), size);
  marcher.paint({GREY});
  marcher.draw(look);
  const seen = new Uint8Array(4 * view[0] * view[1]);
  marcher.gl.readPixels(0, 0, view[0], view[1], marcher.gl.RGBA, marcher.gl.UNSIGNED_BYTE, seen);
  return [...seen];
}}"""

FRONT = [1, 0, 0, 0, 1, 0, 0, 0, 1]  # by columns: x to the right, y down, kernels away
BELOW = [1, 0, 0, 0, 0, 1, 0, 1, 0]  # x to the right, kernels down, y away
SIDE = [0, 0, 1, 0, 1, 0, 1, 0, 0]  # kernels to the right, y down, x away

Array = np.ndarray[Any, Any]
Draw = Callable[..., Array]


@pytest.fixture(scope="module")
def draw(browser: playwright_api.Browser) -> Iterator[Draw]:
    """Return what draws a volume K H W as the picture H W 4 that a browser shows of it."""
    page: playwright_api.Page = browser.new_page()
    page.set_content(f"<script>{SCRIPT.read_text(encoding='utf-8')}</script>")
    if not page.evaluate("() => Boolean(document.createElement('canvas').getContext('webgl2'))"):
        pytest.skip("this Chromium has no WebGL 2: pages then show the slices alone, and there is nothing to compare")

    def seen(volume: Array, view: tuple[int, int], turn: list[int], scale: float = 1, **look: Any) -> Array:
        kernels, height, width = volume.shape
        asked = {"turn": turn, "scale": scale, **look}
        pixels = page.evaluate(DRAW, [volume.ravel().tolist(), [width, height, kernels], list(view), asked])
        return np.array(pixels, np.uint8).reshape(view[1], view[0], 4)[::-1].astype(np.int64)

    yield seen
    page.close()


def planted() -> Array:
    return np.random.default_rng(0).integers(0, 256, (17, 12, 14), dtype=np.uint8)


@pytest.mark.parametrize(
    ("turn", "expected"),
    [(FRONT, planted().max(0)), (BELOW, planted().max(1)), (SIDE, planted().max(2).T)],
    ids=["along the kernels", "along y", "along x"],
)
def test_the_maximum_projection_is_numpys(draw: Draw, turn: list[int], expected: Array) -> None:
    found = draw(planted(), (expected.shape[1], expected.shape[0]), turn)
    assert np.abs(found[..., 0] - expected).max() <= 1
    assert (found[..., 3] == 255).all()


def test_where_values_have_both_signs_the_largest_magnitude_is_seen(draw: Draw) -> None:
    volume, zero = planted()[:5], 128
    size = np.abs(volume.astype(np.int64) - zero)
    expected = np.take_along_axis(volume, size.argmax(0)[None], 0)[0]
    ties = np.sort(size, axis=0)
    told = ties[-1] > ties[-2]
    found = draw(volume, (14, 12), FRONT, zero=zero)
    assert np.abs(found[..., 0] - expected)[told].max() <= 1
    assert (expected < zero).any()
    assert (expected > zero).any()
    least = 200  # of 255, so that from a magnitude of 101 of 128 on, either way, a voxel is seen
    hidden = draw(volume, (14, 12), FRONT, zero=zero, threshold=least, mode="binary")[..., 3] == 0
    assert np.array_equal(hidden, (size < (least - 0.5) / 255 * zero).all(0))


def test_it_is_the_same_enlarged_and_smoothed_through_the_middle_of_voxels(draw: Draw) -> None:
    found = draw(planted(), (14 * 3, 12 * 3), FRONT, scale=3, smoothly=True)
    assert np.abs(found[1::3, 1::3, 0] - planted().max(0)).max() <= 1


def test_every_voxel_of_a_deep_volume_is_looked_at(draw: Draw) -> None:
    """One bright voxel in each of 6 rays through 2,048 kernels, wherever it is."""
    volume = np.zeros((2048, 2, 3), np.uint8)
    places = [0, 1, 777, 1024, 2046, 2047]
    for ray, place in enumerate(places):
        volume[place, ray // 3, ray % 3] = 200 + ray
    assert np.abs(draw(volume, (3, 2), FRONT)[..., 0] - volume.max(0)).max() <= 1


def test_turned_by_an_eighth_a_box_is_as_wide_as_its_diagonal(draw: Draw) -> None:
    volume = np.full((20, 20, 20), 128, np.uint8)
    c = float(np.sqrt(0.5))
    found = draw(volume, (64, 64), [c, 0, -c, 0, 1, 0, c, 0, c])
    across = (found[32, :, 3] > 0).sum()
    assert across == pytest.approx(20 * np.sqrt(2), abs=1.5)
    assert (found[:, 32, 3] > 0).sum() == 20
    assert set(found[..., 0][found[..., 3] > 0]) == {128}


def test_what_is_below_the_threshold_is_transparent(draw: Draw) -> None:
    expected = planted()[:3].max(0)
    found = draw(planted()[:3], (14, 12), FRONT, threshold=180)
    assert np.array_equal(found[..., 3] == 255, expected >= 180)


def test_the_binarised_volume_is_where_a_voxel_reaches_the_threshold(draw: Draw) -> None:
    volume = planted()[:4]
    found = draw(volume, (14, 12), FRONT, mode="binary", threshold=200)
    assert np.array_equal(found[..., 3] == 255, (volume >= 200).any(0))


def test_the_surface_lies_where_the_values_pass_the_threshold(draw: Draw) -> None:
    """A ball whose values fall from 255 at its middle by 10 a voxel: at 155 its radius is 10."""
    z, y, x = np.meshgrid(*[np.arange(40) - 19.5] * 3, indexing="ij")
    ball = np.clip(255 - 10 * np.sqrt(x**2 + y**2 + z**2), 0, 255).astype(np.uint8)
    found = draw(ball, (80, 80), FRONT, scale=2, mode="surface", threshold=155, smoothly=True)
    area = (found[..., 3] > 0).sum() / 4
    assert area == pytest.approx(np.pi * 10**2, rel=0.04)
    assert found[40, 40, 0] > found[40, 22, 0] + 20, "what faces the eye is lighter than the rim"


def test_opacity_adds_up_from_front_to_back(draw: Draw) -> None:
    """Of n voxels of full value and density d the opacity is 1 - (1 - d)^n; the colour is their own."""
    for voxels in (1, 3, 8):
        volume = np.full((voxels, 2, 2), 255, np.uint8)
        found = draw(volume, (2, 2), FRONT, mode="opacity", density=0.2)
        assert found[0, 0, 3] == pytest.approx(255 * (1 - 0.8**voxels), abs=1.5)
    first = np.stack([np.full((2, 2), 250, np.uint8), np.full((2, 2), 60, np.uint8)])
    one, other = (
        draw(first, (2, 2), FRONT, mode="opacity", density=0.6),
        draw(first[::-1], (2, 2), FRONT, mode="opacity", density=0.6),
    )
    assert one[0, 0, 0] > other[0, 0, 0] + 20, "what lies in front hides what lies behind"
