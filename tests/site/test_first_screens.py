"""What each kind of page answers before anything is scrolled, in a real browser."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.chromium import playwright_api

pytestmark = pytest.mark.browser

DESKTOP, PHONE = (1440, 900), (390, 844)
Open = Callable[[str, tuple[int, int]], playwright_api.Page]


@pytest.fixture
def opened(browser: playwright_api.Browser, sample_site: Path) -> Iterator[Open]:
    """Return a call that opens a page of the sample's site in a window of a size."""
    contexts = []

    def open_(page: str, size: tuple[int, int]) -> playwright_api.Page:
        context = browser.new_context(viewport={"width": size[0], "height": size[1]}, reduced_motion="reduce")
        contexts.append(context)
        tab = context.new_page()
        tab.goto(f"{sample_site.as_uri()}/{page}")
        return tab

    yield open_
    for context in contexts:
        context.close()


def on_first_screen(page: playwright_api.Page, selector: str, least: int = 1) -> bool:
    """Return whether the first match is visible, at least so many px wide, and ends within the window."""
    box = page.locator(f"{selector} >> visible=true").first.bounding_box()
    size = page.viewport_size
    return bool(box and size and box["width"] >= least and box["y"] + box["height"] <= size["height"])


def test_a_clip_and_its_best_map_stand_side_by_side(opened: Open) -> None:
    page = opened("drift/tennis/index.html", DESKTOP)
    clip, chosen = ".rg-look__clips > figure .rg-clip", ".rg-look__clips > div .rg-clip"
    assert on_first_screen(page, clip, 300)
    assert on_first_screen(page, chosen, 300)
    boxes = [page.locator(f"{one} >> visible=true").first.bounding_box() for one in (clip, chosen)]
    assert len({box["y"] for box in boxes if box}) == 1
    assert on_first_screen(opened("drift/tennis/index.html", PHONE), ".rg-look__clips > div .rg-clip", 300)


def test_another_method_brings_its_map_its_profile_and_its_evidence(opened: Open) -> None:
    page = opened("drift/tennis/index.html", DESKTOP)
    look = page.locator("[data-look]").first
    choices = look.locator("input[type=radio]")
    assert choices.count() > 1
    choices.nth(1).focus()
    page.keyboard.press("Space")
    method = choices.nth(1).get_attribute("value")
    shown = {part.get_attribute("data-method") for part in look.locator("[data-method] >> visible=true").all()}
    assert shown == {method}
    series = look.locator("[data-series]:not([display=none])")
    assert [one.get_attribute("data-series") for one in series.all()] == [method]


def test_the_profile_follows_the_frame(opened: Open) -> None:
    page = opened("drift/tennis/index.html", DESKTOP)
    cursor = page.locator("[data-cursor]").first
    before = cursor.get_attribute("x")
    page.get_by_label("One frame on").first.click()
    assert cursor.get_attribute("x") != before
