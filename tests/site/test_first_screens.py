"""What each kind of page answers before anything is scrolled, in a real browser."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.chromium import playwright_api

pytestmark = [pytest.mark.slow, pytest.mark.browser]

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
        tab.goto(page if page.startswith("http") else f"{sample_site.as_uri()}/{page}")
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


def test_the_front_page_tells_findings_with_pictures_and_the_worst_verdict_first(opened: Open) -> None:
    page = opened("index.html", DESKTOP)
    first = page.locator(".rg-model").first
    findings = first.locator(".rg-finding")
    assert 2 <= findings.count() <= 3
    assert on_first_screen(page, ".rg-finding")
    assert all(text.strip() for text in findings.locator(".rg-finding__sentence").all_inner_texts())
    states = [one.inner_text().lower() for one in first.locator(".rg-headline .rg-badge b").all()]
    order = ["fail", "warn", "not tested", "pass"]
    assert states == sorted(states, key=order.index)


def test_the_probes_play_the_same_frames_in_another_order(opened: Open, served_site: str) -> None:
    page = opened(f"{served_site}drift/motion.html", DESKTOP)  # a canvas of a file may not be read
    probes = page.locator(".rg-probes").first.locator(".rg-clip")
    orders = [one.get_attribute("data-order") for one in probes.all()]
    assert orders[0] is None
    played = [list(map(int, order.split(","))) for order in orders[1:] if order]
    frames = int(probes.first.get_attribute("data-frames") or 0)
    assert [len(order) for order in played] == [frames] * len(played)
    assert len(set(played[0])) == 1, "frozen"
    assert list(reversed(range(frames))) in played
    drawn = """(clip, frame) => {
      const canvas = clip.querySelector("canvas"), all = canvas.getContext("2d");
      return [...all.getImageData(0, 0, canvas.width, canvas.height).data].join();
    }"""
    page.wait_for_function("document.querySelectorAll('.rg-probes canvas').length > 1")
    forward, backwards = probes.first, probes.nth(1 + played.index(list(reversed(range(frames)))))
    scrub = page.get_by_label("Frame", exact=True)
    scrub.fill("0")
    begin, end = forward.evaluate(drawn), backwards.evaluate(drawn)
    scrub.fill(str(frames - 1))
    assert (forward.evaluate(drawn), backwards.evaluate(drawn)) == (end, begin)


def test_the_graph_is_on_the_first_screen_with_the_causal_check_beside_it(opened: Open) -> None:
    page = opened("drift/tennis/class-0002.html", DESKTOP)
    graph, check = (page.locator(one).first.bounding_box() for one in (".rg-graph__canvas", ".rg-causal"))
    assert graph
    assert check
    assert graph["y"] < 480
    assert check["y"] < 480
    assert check["x"] >= graph["x"] + graph["width"]
    assert page.locator(".rg-graph image").count() > 0, "kernels that have a picture show it on their node"


def test_compared_pyramids_show_their_kernels(opened: Open) -> None:
    page = opened("drift/pyramids.html", DESKTOP)
    pair = page.locator(".rg-compare").first
    assert pair.locator(".rg-side").count() == 3
    assert pair.locator(".rg-mini .rg-clip").count() > 0
    assert "95% of draws" in pair.inner_text()


def test_a_badge_tells_its_threshold_by_keyboard_and_lets_go(opened: Open) -> None:
    page = opened("drift/tennis/index.html", PHONE)
    badge = page.locator("button.rg-badge >> visible=true").first
    badge.focus()
    page.keyboard.press("Enter")
    note = page.locator(".rg-badge__note")
    assert "Threshold:" in note.inner_text()
    assert badge.get_attribute("aria-expanded") == "true"
    page.keyboard.press("Escape")
    assert note.count() == 0
    badge.click()
    assert note.count() == 1


def test_the_player_is_within_five_stops(opened: Open) -> None:
    page = opened("drift/tennis/index.html", DESKTOP)
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    stops = 2
    while not page.evaluate("document.activeElement.matches('.rg-player button')") and stops < 6:
        page.keyboard.press("Tab")
        stops += 1
    assert stops <= 5


def test_methods_show_a_picture_of_this_report(opened: Open) -> None:
    page = opened("methods.html", DESKTOP)
    assert on_first_screen(page, ".rg-examples .rg-clip")
    assert page.locator(".rg-examples").count() >= 9
