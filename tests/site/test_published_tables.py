"""The result tables that the 3D Kernel Visualizer publishes come out of one command each, here on untrained weights."""

from __future__ import annotations

from io import BytesIO
from pathlib import Path
from urllib.parse import urljoin

import numpy as np
import pytest
from PIL import Image

from tests.children import reportgen_command, run
from tests.chromium import playwright_api

pytestmark = [pytest.mark.long, pytest.mark.browser, pytest.mark.timeout(3600)]

TABLES = {
    "i3d": ["stage 1", "stage 2", "stage 3", "stage 4", "stage 5"],
    "c3d": ["conv 1", "conv 2", "conv 3b", "conv 4b", "conv 5b"],
    "vqvae": ["encoder, first convolution", "encoder, last block"],
}
EXAMPLES = 3


@pytest.mark.parametrize("model", TABLES)
def test_three_examples_a_row_static_above_moving(model: str, tmp_path: Path, browser: playwright_api.Browser) -> None:
    words: tuple[object, ...] = (
        "--model",
        model,
        "--untrained",
        "--kernels",
        EXAMPLES,
        "--analyses",
        "kernels,decomposition",
    )
    done = run(reportgen_command("build", *words, "--preset", "quick"), cwd=tmp_path, timeout=3000)
    assert done.returncode == 0, done.stderr

    page = browser.new_page()
    page.goto((tmp_path / "site" / "index.html").as_uri())
    rows = page.locator(".rg-results tbody tr").all()
    assert [row.locator("th a").inner_text() for row in rows] == TABLES[model]
    pairs = moving = 0
    for row in rows:
        shown = []
        cards = row.locator("td a.rg-pair").all()
        assert len(cards) == EXAMPLES
        for card in cards:
            *textures, clip = card.locator(".rg-clip").all()
            frames = frames_of(clip, page.url)
            moving += any(np.abs(frame - frames[0]).max() > 16 for frame in frames[1:])
            if not textures:
                assert (card.get_attribute("title") or "").startswith("A plain clip:")
                continue
            (texture,) = textures
            pairs += 1
            assert box(texture)["y"] + box(texture)["height"] <= box(clip)["y"]
            assert texture.get_attribute("data-frames") is None
            shown.append(shows_something(picture(page.url, texture.locator("img"))) and shows_something(frames[0]))
        assert any(shown) or not shown  # what drives a kernel of random weights most may be one colour
    assert pairs >= EXAMPLES * len(rows) / 2
    assert moving >= len(rows)
    page.close()


def box(element: playwright_api.Locator) -> dict[str, float]:
    found = element.bounding_box()
    assert found is not None
    return dict(found)


def picture(page: str, image: playwright_api.Locator) -> np.ndarray:
    return read(urljoin(page, image.get_attribute("src") or ""))


def frames_of(clip: playwright_api.Locator, page: str) -> list[np.ndarray]:
    """The frames that the page's player cuts out of the clip's sprite."""
    count, columns, width, height = (
        int(clip.get_attribute(f"data-{name}") or 0) for name in ("frames", "columns", "width", "height")
    )
    assert count > 1
    sprite = read(urljoin(page, clip.get_attribute("data-sprite") or ""))
    corners = [(frame // columns * height, frame % columns * width) for frame in range(count)]
    return [sprite[y : y + height, x : x + width] for y, x in corners]


def read(address: str) -> np.ndarray:
    path = Path(address.removeprefix("file://"))
    with Image.open(BytesIO(path.read_bytes())) as image:
        return np.asarray(image.convert("RGB")).astype(np.int16)


def shows_something(pixels: np.ndarray) -> bool:
    """Whether a picture is of its own and not one grey."""
    return bool(pixels.size and pixels.std() > 4)
