"""What a reader chooses on several pages stands side by side, in step, and a link brings it back."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from tests.chromium import playwright_api

pytestmark = [pytest.mark.slow, pytest.mark.browser]

KERNELS = ("drift/stem.conv/0007.html", "drift/s2.res0.branch2.c/0007.html")
Visit = Callable[[str], playwright_api.Page]


@pytest.fixture
def visit(browser: playwright_api.Browser, served_site: str) -> Iterator[Visit]:
    """Return a call that opens a page of the sample's site in one and the same tab."""
    context = browser.new_context(viewport={"width": 1440, "height": 900}, reduced_motion="reduce")
    tab = context.new_page()
    faults: list[str] = []
    tab.on("pageerror", lambda error: faults.append(str(error)))

    def open_(page: str) -> playwright_api.Page:
        tab.goto(f"{served_site}{page}")
        return tab

    yield open_
    context.close()
    assert not faults


def test_chosen_kernels_stand_side_by_side_and_a_link_restores_them(visit: Visit) -> None:
    for uri in KERNELS:
        page = visit(uri)
        page.get_by_role("button", name="compare +").click()
    page.get_by_role("link", name="2 side by side").click()
    page.locator(".rg-beside__head a").first.wait_for()
    assert page.locator(".rg-beside__head a").count() == 2
    clips = page.locator(".rg-beside .rg-clip[data-sprite]")
    assert clips.count() >= 2
    tops = [box["y"] for one in clips.all()[:2] if (box := one.bounding_box())]
    assert len(set(tops)) == 1, "pictures of one name share a row"
    assert page.locator(".rg-player").count() == 1
    link = page.url
    page.evaluate("localStorage.clear()")
    page.goto("about:blank")
    page.goto(link)
    page.locator(".rg-beside__head a").first.wait_for()
    assert page.locator(".rg-beside__head a").count() == 2
    page.locator(".rg-beside__head button").first.click()
    assert page.locator(".rg-beside__head a").count() == 1
    assert page.url != link


def test_others_of_the_same_stage_are_added_at_once(visit: Visit) -> None:
    page = visit("compare.html")
    page.locator("[data-beside] .rg-empty").wait_for()
    assert "Nothing is chosen" in page.locator("[data-beside]").inner_text()
    page.get_by_label("Add to the comparison").select_option(KERNELS[0])
    page.get_by_role("button", name="of the same stage").click()
    heads = page.locator(".rg-beside__head a").all_inner_texts()
    assert len(heads) > 1
    assert all(head.startswith(heads[0].partition("#")[0]) for head in heads)


def test_a_choice_is_taken_back_where_it_was_made(visit: Visit) -> None:
    page = visit("drift/tennis/index.html")
    page.get_by_role("button", name="compare +").click()
    page.get_by_role("button", name="compare −").click()
    assert page.locator(".rg-tray a").is_hidden()
    page = visit("compare.html#with=no/such/page.html")
    page.locator("[data-beside] .rg-empty").wait_for()
    assert "Nothing is chosen" in page.locator("[data-beside]").inner_text(), "a link to what is not there"
