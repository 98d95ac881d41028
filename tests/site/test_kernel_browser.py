"""Any kernel's page and the list of all kernels in a real browser: from a file, with and without scripts."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from sample_run import HOSTILE_LAYER

from reportgen.outputs.site.scripts import data_script
from reportgen.resources import templates_folder
from tests.chromium import playwright_api

pytestmark = [pytest.mark.slow, pytest.mark.browser]

LAYER = "drift/s2.res0.branch2.c/kernels.html"
LIST = "drift/kernels.html"
Open = Callable[..., playwright_api.Page]


def test_packed_data_is_unpacked_from_a_file_or_the_page_says_which_browsers_can(
    browser: playwright_api.Browser, tmp_path: Path
) -> None:
    data = {"kernels": [{"index": place, "said": "Kernel µ </script>"} for place in range(1000)]}
    (tmp_path / "some").mkdir()
    (tmp_path / "some" / "kernels.js").write_text(data_script("some/kernels", data), encoding="utf-8")
    shutil.copy(templates_folder() / "assets" / "js" / "data.js", tmp_path)
    page_text = '<!doctype html><meta charset="utf-8"><script src="data.js"></script>'
    (tmp_path / "page.html").write_text(page_text, encoding="utf-8")
    context = browser.new_context()
    page = context.new_page()
    page.goto((tmp_path / "page.html").as_uri())
    assert page.evaluate("reportgen.data.load('some/kernels')") == data
    assert page.evaluate("Object.keys(reportPacked).length") == 0, "the packed text is not kept beside it"
    page.reload()
    page.evaluate("delete globalThis.DecompressionStream")
    tell = "(name) => reportgen.data.load(name).catch((error) => reportgen.data.failed(document.body, error))"
    page.evaluate(tell, "some/kernels")
    assert "this browser cannot unpack it: Chrome can from version 80" in page.locator(".rg-empty").inner_text()
    page.evaluate(tell, "some/absent")
    assert page.locator(".rg-empty").all_inner_texts() == ["The file some/absent.js of this report is missing."]
    context.close()


@pytest.fixture
def open_page(browser: playwright_api.Browser, sample_site: Path) -> Iterator[Open]:
    """Return a call that opens a page of the sample's site from its file; a fault in the console fails the test."""
    contexts, faults = [], []

    def open_in(uri: str, **options: object) -> playwright_api.Page:
        context = browser.new_context(**{"viewport": {"width": 1440, "height": 900}, **options})
        contexts.append(context)
        page = context.new_page()
        page.on(
            "console", lambda message: faults.append(message.text) if message.type in ("error", "warning") else None
        )
        page.on("pageerror", lambda error: faults.append(str(error)))
        page.goto(f"{sample_site.as_uri()}/{uri}")
        return page

    yield open_in
    for context in contexts:
        context.close()
    assert faults == []


def test_a_kernel_without_pictures_has_a_page_of_its_own(open_page: Open) -> None:
    page = open_page(f"{LAYER}#0008")
    page.locator("#real-clips").wait_for()
    assert page.locator("h1").inner_text() == "s2 res0 c #8"
    assert page.title() == "s2 res0 c #8 · Drift"
    weights = page.locator("[aria-label='Fed by'] tbody tr")
    assert [row.split() for row in weights.all_inner_texts()] == [
        ["stem", "conv", "#0", "75%"],
        ["stem", "conv", "#1", "13%"],
    ]
    assert "head #2" in page.locator("[aria-label='Feeds into']").inner_text()
    for part in ("real-clips", "responses", "motion", "concepts", "nearest", "synthetic"):
        assert page.locator(f"#{part}").count() == 1, part
    assert page.locator("[data-plain]").is_hidden()
    assert "--kernels 8," in page.locator(".rg-command code").inner_text()
    page.locator(".rg-steps a").last.click()
    page.locator("h1", has_text="s2 res0 c #9").wait_for()
    page.go_back()
    page.locator("h1", has_text="s2 res0 c #8").wait_for()


def test_its_clips_play_in_step_under_one_bar(open_page: Open) -> None:
    page = open_page(f"{LAYER}#0008")
    page.locator(".rg-player").wait_for()
    assert page.locator(".rg-player").count() == 1
    page.evaluate("location.hash = '#0010'")
    page.locator("h1", has_text="s2 res0 c #10").wait_for()
    page.locator(".rg-player").wait_for()
    assert page.locator(".rg-player").count() == 1, "the bar comes along to the next kernel"


def test_without_scripts_a_plain_table_has_a_row_for_every_kernel(open_page: Open) -> None:
    page = open_page(f"{LAYER}#0008", java_script_enabled=False)
    assert page.locator("[data-plain] tbody tr").count() == 64
    assert "#8" in page.locator("tr[id='0008'] th").inner_text()
    assert page.locator("tr[id='0008']").is_visible()


def test_a_kernel_that_a_layer_has_not_is_said_not_to_be_there(open_page: Open) -> None:
    page = open_page(f"{LAYER}#9999")
    page.locator(".rg-empty").wait_for()
    assert "counted from 0" in page.locator(".rg-empty").inner_text()


def test_the_list_keeps_what_is_asked_and_back_restores_it(open_page: Open) -> None:
    page = open_page(LIST)
    box = page.locator(".rg-kernels input[type=search]")
    box.fill("motion>0.5 stem")
    assert "8 of" in page.locator(".rg-kernels [role=status]").inner_text()
    page.locator("a.rg-kernel").first.click()
    page.wait_for_url("**/stem.conv/*.html")
    page.go_back()
    box.wait_for()
    assert box.input_value() == "motion>0.5 stem"
    assert page.locator("a.rg-kernel").count() == 8


def test_states_are_facets_and_combine_with_words(open_page: Open) -> None:
    page = open_page(f"{LIST}?only=dead")
    page.locator("a.rg-kernel").first.wait_for()
    names = page.locator("a.rg-kernel b").all_inner_texts()
    assert len(names) == 4
    assert all(name.endswith("#3") for name in names)
    page.locator(".rg-kernels input[type=search]").fill("s2")
    assert page.locator("a.rg-kernel").count() == 1


def test_few_rows_exist_of_a_long_list_and_the_right_ones_after_scrolling(open_page: Open) -> None:
    page = open_page(LIST)
    page.locator("a.rg-kernel").first.wait_for()
    total = int(page.locator(".rg-kernels [role=status]").inner_text().split(" of ")[1].split()[0])
    assert total > 200
    assert page.locator("a.rg-kernel").count() < 60
    page.locator(".rg-kernels__view").evaluate("view => { view.scrollTop = view.scrollHeight; }")
    page.wait_for_function("[...document.querySelectorAll('a.rg-kernel')].at(-1).style.top.startsWith('1')")
    last = page.locator("a.rg-kernel").last
    assert int(last.evaluate("row => parseInt(row.style.top)")) == 40 * (total - 1)
    assert page.locator("a.rg-kernel").count() < 60


def test_the_finder_finds_any_kernel_and_its_query_stands_in_the_address(open_page: Open) -> None:
    page = open_page("drift/index.html")
    page.keyboard.press("/")
    outline = page.locator(".rg-finder input").evaluate("box => getComputedStyle(box).outlineStyle")
    assert outline == "solid", "where the focus is can be seen"
    page.keyboard.type("dead s2")
    page.locator(".rg-finder li a").first.wait_for()
    assert "s2 res0 c #3" in page.locator(".rg-finder li a").first.inner_text()
    assert "find=dead+s2" in page.url
    page.keyboard.press("Enter")
    page.locator("h1", has_text="s2 res0 c #3").wait_for()
    page.go_back()
    page.locator(".rg-finder li a").first.wait_for()
    assert page.locator(".rg-finder input").input_value() == "dead s2"
    assert "s2 res0 c #3" in page.locator(".rg-finder li a").first.inner_text()


@pytest.mark.parametrize(
    ("query", "leads"),
    [
        ("wheels concept", "concepts/wheels.html"),
        ("grad-cam", "methods.html#saliency"),
        ("rings moving up", "motion.html#classes"),
        ("s3 layer", "s3.pathway0_res0.branch2.c/index.html"),
        ("tennis clip", "tennis/index.html"),
        ("duplicate stem", "stem.conv/kernels.html#0001"),
    ],
)
def test_the_finder_finds_every_kind_of_thing(open_page: Open, query: str, leads: str) -> None:
    page = open_page("drift/stem.conv/index.html")
    page.locator(".rg-finder input").fill(query)
    page.locator(".rg-finder li a").first.wait_for()
    links = page.locator(".rg-finder li a").evaluate_all("all => all.map((one) => one.href)")
    assert any(link.endswith(leads) for link in links), links


def test_what_the_finder_leaves_out_is_a_list_of_the_same_query(open_page: Open) -> None:
    page = open_page("drift/index.html")
    page.locator(".rg-finder input").fill("motion<0.5")
    page.locator(".rg-finder__more").first.click()
    page.locator("a.rg-kernel").first.wait_for()
    assert page.locator(".rg-kernels input[type=search]").input_value() == "motion<0.5"


def test_a_layer_whose_name_is_markup_is_text_in_the_list(open_page: Open) -> None:
    page = open_page(LIST)
    page.locator("a.rg-kernel").first.wait_for()
    assert HOSTILE_LAYER.split(".")[0] == "s4"
    page.locator(".rg-kernels input[type=search]").fill("onerror")
    page.locator("a.rg-kernel").first.wait_for()
    assert page.locator("a.rg-kernel img[src='x']").count() == 0


def test_on_paper_the_plain_table_stands_for_the_list_and_not_for_a_kernel(open_page: Open) -> None:
    page = open_page(LAYER)
    page.locator("a.rg-kernel").first.wait_for()
    page.emulate_media(media="print")
    assert page.locator("[data-plain] tbody tr").last.is_visible()
    assert page.locator(".rg-kernels").is_hidden()
    page.evaluate("location.hash = '#0008'")
    page.locator("#real-clips").wait_for()
    assert page.locator("[data-plain]").is_hidden()


def test_where_a_kernel_has_no_page_of_its_own_the_missing_page_leads_to_its_part(
    open_page: Open, sample_site: Path
) -> None:
    page = open_page("404.html")
    assert page.locator("[data-kernel]").is_hidden()
    missing = (sample_site / "404.html").read_text(encoding="utf-8")
    page.route("**/0008.html", lambda route: route.fulfill(body=missing, content_type="text/html"))
    page.goto(f"{sample_site.as_uri()}/drift/s2.res0.branch2.c/0008.html")
    page.locator("[data-kernel] a").click()
    page.locator("h1", has_text="s2 res0 c #8").wait_for()


@pytest.mark.parametrize("uri", [f"{LAYER}#0008", LIST, LAYER])
def test_nothing_is_wider_than_a_phone(open_page: Open, uri: str) -> None:
    page = open_page(uri, viewport={"width": 390, "height": 844})
    page.locator("#real-clips, a.rg-kernel").first.wait_for()
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    words = page.locator("a.rg-kernel > .rg-kernel__words")
    if words.count():  # more than the first of them is legible
        assert words.first.evaluate("one => one.clientWidth") >= 180


def test_the_page_of_a_visualised_kernel_has_the_same_figures_added(open_page: Open) -> None:
    page = open_page("drift/s2.res0.branch2.c/0007.html")
    page.locator("#nearest").wait_for()
    assert page.locator("#responses").count() == 1
    assert page.locator("#classes").count() == 1
