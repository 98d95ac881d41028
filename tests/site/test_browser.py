"""The site in a real browser: from a file and over http, without a word in the console, by mouse and by keyboard."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from itertools import pairwise
from pathlib import Path

import pytest
from sample_run import FRAMES, HOSTILE_LABEL, LAYERS, NEAR_SILENT

from tests.chromium import playwright_api

pytestmark = pytest.mark.browser

PYRAMID = "drift/tennis/class-0002.html"
RESPONSES = "drift/stem.conv/responses-tennis.html"
STILLS = "drift/s2.res0.branch2.c/responses-tennis.html"
KERNEL = "drift/s2.res0.branch2.c/0007.html"
PAGES = (
    "index.html",
    "methods.html",
    "drift/index.html",
    "drift/audit.html",
    "drift/motion.html",
    "drift/weights.html",
    "drift/concepts/index.html",
    "drift/concepts/wheels.html",
    "drift/provenance.html",
    "drift/stem.conv/index.html",
    "drift/kernels.html",
    "drift/stem.conv/kernels.html#0008",
    "drift/s2.res0.branch2.c/multiscale.html",
    "drift/tennis/index.html",
    "drift/analysis/colour_audit.html",
    "plain_net/index.html",
    "plain_net/tennis/index.html",
    "drift/responses.html",
    RESPONSES,
    STILLS,
    KERNEL,
    PYRAMID,
)


class Visitor:
    """A page of the browser that remembers everything that went wrong on it."""

    def __init__(self, page: playwright_api.Page, root: str) -> None:
        self.page = page
        self.root = root
        self.faults: list[str] = []
        page.on("console", self._check_message)
        page.on("pageerror", lambda error: self.faults.append(str(error)))
        page.on("requestfailed", self._check_failure)
        page.on("request", self._check_host)

    def _check_message(self, message: playwright_api.ConsoleMessage) -> None:
        # That software draws WebGL slowly is no fault of the page.
        if message.type != "log" and "GPU stall due to ReadPixels" not in message.text:
            self.faults.append(message.text)

    def _check_failure(self, request: playwright_api.Request) -> None:
        # Leaving a page breaks off what it was still loading; that is no fault of the page.
        if request.failure != "net::ERR_ABORTED":
            self.faults.append(f"failed: {request.url}")

    def _check_host(self, request: playwright_api.Request) -> None:
        if not request.url.startswith((self.root, "data:", "blob:")):
            self.faults.append(f"another host: {request.url}")

    def open(self, uri: str) -> playwright_api.Page:
        self.page.goto(self.root + uri)
        return self.page


Visit = Callable[..., Visitor]


@pytest.fixture
def visit(browser: playwright_api.Browser, sample_site: Path, served_site: str) -> Iterator[Visit]:
    contexts = []

    def make(*, served: bool = False, **options: object) -> Visitor:
        context = browser.new_context(**{"viewport": {"width": 1440, "height": 1000}, **options})
        contexts.append(context)
        return Visitor(context.new_page(), served_site if served else f"{sample_site.as_uri()}/")

    yield make
    for context in contexts:
        context.close()


BROKEN_WORDS = """
(selector) => [...document.querySelectorAll(selector)].flatMap((heading) => {
  const texts = document.createTreeWalker(heading, NodeFilter.SHOW_TEXT);
  const broken = [];
  while (texts.nextNode()) {
    for (const word of texts.currentNode.data.matchAll(/[A-Za-z]{2,16}/g)) {
      const range = document.createRange();
      range.setStart(texts.currentNode, word.index);
      range.setEnd(texts.currentNode, word.index + word[0].length);
      if (new Set([...range.getClientRects()].map((box) => Math.round(box.top))).size > 1) broken.push(word[0]);
    }
  }
  return broken;
})
"""
"""Words of a title, or of what else is selected, that stand on two lines, though one line has room for them."""


def settled_width(page: playwright_api.Page, width: int) -> int:
    """Return how wide a page is, once what follows the window's size has done so: on a busy machine late."""
    for _ in range(50):
        if page.evaluate("document.documentElement.scrollWidth") <= width:
            break
        page.wait_for_timeout(100)
    return int(page.evaluate("document.documentElement.scrollWidth"))


@pytest.mark.slow
@pytest.mark.parametrize(
    "served", [pytest.param(False, id="file"), pytest.param(True, id="http", marks=pytest.mark.long)]
)
def test_pages_open_without_a_fault_or_another_host_and_fit_window_and_paper(visit: Visit, served: bool) -> None:
    visitor = visit(served=served)
    for uri in PAGES:
        page = visitor.open(uri)
        page.wait_for_timeout(150)
        assert page.locator("h1").count() == 1, uri
        assert page.locator("h1").inner_text().strip("¶ \n"), uri
        for width, media in ((1440, "screen"), (390, "screen"), (700, "print")):
            page.set_viewport_size({"width": width, "height": 844})
            page.emulate_media(media=media)
            assert settled_width(page, width) <= width, (uri, width)
            # Names of neighbours may be of any length, and leave a title beside them no room.
            page.locator(".rg-steps").evaluate_all("all => all.forEach((one) => { one.style.minWidth = '15rem'; })")
            assert width != 390 or page.evaluate(BROKEN_WORDS, "h1") == [], uri
        cut = page.locator(".rg-table").evaluate_all(
            "all => all.filter((one) => one.scrollWidth > one.clientWidth).length"
        )
        assert cut == 0, uri
        page.emulate_media(media="screen")
        page.set_viewport_size({"width": 1440, "height": 1000})
    assert visitor.faults == []


def test_the_scheme_is_the_readers_until_another_one_is_chosen_and_then_stays(visit: Visit) -> None:
    visitor = visit(color_scheme="dark")
    page = visitor.open("methods.html")
    scheme = "document.body.dataset.mdColorScheme"
    assert page.evaluate(scheme) == "slate"
    page.emulate_media(color_scheme="light")
    page.wait_for_function(f"{scheme} === 'default'")
    page.locator("[data-md-component=palette] label:visible").click()
    assert page.evaluate(scheme) == "slate"
    assert visitor.open("index.html").evaluate(scheme) == "slate"


def test_what_is_folded_is_open_on_paper_and_where_an_address_leads_into_it(visit: Visit) -> None:
    page = visit().open("drift/provenance.html")
    folded = "document.querySelectorAll('article details:not([open])').length"
    before = page.evaluate(folded)
    assert before > 0
    page.evaluate("dispatchEvent(new Event('beforeprint'))")
    assert page.evaluate(folded) == 0
    page.evaluate("dispatchEvent(new Event('afterprint'))")
    assert page.evaluate(folded) == before
    page.goto(f"{page.url}#records-table")
    assert page.locator("#records-table").is_visible()


def test_clips_that_were_never_seen_are_strips_of_frames_on_paper_too(visit: Visit) -> None:
    """Whichever way the browser is told to print: it waits for their pictures, which are not there yet."""
    visitor = visit(served=True, viewport={"width": 1000, "height": 500})
    page = visitor.open("index.html")
    clips = page.locator(".rg-clip[data-sprite]")
    playing = page.locator(".rg-clip[data-sprite] > canvas")
    playing.first.wait_for()
    assert playing.count() < clips.count()
    page.evaluate("""() => addEventListener("beforeprint", () => {
      const clips = [...document.querySelectorAll(".rg-clip[data-sprite]")];
      const seen = clips.map((clip) => [...clip.querySelectorAll("img")]);
      addEventListener("afterprint", () => {
        const frames = seen.map((all) => all.filter((one) => one.closest(".rg-paper") && one.naturalWidth > 0).length);
        document.body.dataset.onPaper = frames.join();
      }, { once: true });
    })""")
    page.pdf()
    frames = [int(one) for one in str(page.locator("body").get_attribute("data-on-paper")).split(",")]
    assert frames == [min(int(one.get_attribute("data-frames") or 0), 4) for one in clips.all()]
    assert page.locator(".rg-paper").count() == 0


def test_tables_of_figures_take_half_the_width_of_paper(visit: Visit) -> None:
    """One after the other they took two pages of six, and a whole page each where they were kept together."""
    page = visit(viewport={"width": 794, "height": 1123}).open("drift/stem.conv/0000.html")
    page.emulate_media(media="print")
    page.evaluate("dispatchEvent(new Event('beforeprint'))")
    width = page.locator("article").evaluate("(each) => each.clientWidth")
    tables = page.locator("details.rg-details .rg-table--narrow").evaluate_all("(all) => all.map((e) => e.clientWidth)")
    assert tables
    assert max(tables) < width / 2
    assert page.locator(".rg-downloads").count() > 0
    assert not any(each.is_visible() for each in page.locator("#downloads, .rg-downloads").all())
    assert len(re.findall(rb"/Type /Page\b", page.pdf(format="A4"))) <= 4


def test_tables_of_figures_break_no_word_on_paper_where_they_stand_in_columns_already(visit: Visit) -> None:
    page = visit(viewport={"width": 794, "height": 1123}).open("drift/tennis/index.html")
    page.emulate_media(media="print")
    page.evaluate("dispatchEvent(new Event('beforeprint'))")
    assert page.locator("details.rg-details .rg-table--narrow").count() > 1
    assert page.evaluate(BROKEN_WORDS, "details.rg-details .rg-table--narrow :is(th, td:first-child)") == []
    columns = "(all) => all.map((each) => getComputedStyle(each).columnCount)"
    assert set(page.locator(".rg-maps details.rg-details").evaluate_all(columns)) == {"auto"}


def test_the_table_of_contents_marks_the_part_that_is_read(visit: Visit) -> None:
    page = visit().open("methods.html")
    page.locator("#limits").evaluate("(part) => part.scrollIntoView()")
    page.wait_for_function("document.querySelector('.md-nav--secondary .md-nav__link--active')")
    page.wait_for_timeout(100)
    assert page.locator(".md-nav--secondary .md-nav__link--active").get_attribute("href") == "#limits"


def test_the_menu_opens_by_finger_and_by_keyboard(visit: Visit) -> None:
    page = visit(viewport={"width": 390, "height": 844}).open("drift/index.html")
    menu, drawer = page.locator(".md-header label[for=__drawer]"), page.locator("#__drawer")
    menu.click()
    assert drawer.is_checked()
    page.wait_for_timeout(400)
    page.mouse.click(380, 800)
    assert not drawer.is_checked()
    menu.focus()
    page.keyboard.press("Enter")
    assert drawer.is_checked()
    assert menu.get_attribute("aria-label") == "Menu"


@pytest.mark.slow
@pytest.mark.parametrize("width", [pytest.param(1440, marks=pytest.mark.long), 390])
def test_the_control_bar_covers_nothing(visit: Visit, width: int) -> None:
    visitor = visit(viewport={"width": width, "height": 844})
    for uri in ("index.html", KERNEL, PYRAMID, "drift/tennis/index.html", "drift/stem.conv/index.html"):
        page = visitor.open(uri)
        bar = page.locator(".rg-player")
        assert bar.count() == 1, uri
        bar.scroll_into_view_if_needed()
        covered = bar.evaluate("""(bar) => {
          const { left, right, top, bottom } = bar.getBoundingClientRect();
          const others = [...document.querySelectorAll(".md-content :is(img, canvas, p, td), .rg-badge, .rg-graph")];
          return others.filter((one) => {
            const box = one.getBoundingClientRect();
            return box.left < right - 1 && box.right > left + 1 && box.top < bottom - 1 && box.bottom > top + 1;
          }).map((one) => one.outerHTML.slice(0, 80));
        }""")
        assert covered == [], uri


def test_hostile_names_do_nothing_but_stand_there(visit: Visit) -> None:
    visitor = visit()
    dialogs: list[str] = []
    visitor.page.on("dialog", lambda dialog: (dialogs.append(dialog.message), dialog.dismiss()))
    page = visitor.open(PYRAMID)
    assert HOSTILE_LABEL in page.locator("h1").inner_text()
    assert HOSTILE_LABEL in page.title()
    assert page.locator(".md-nav--primary").get_by_text(HOSTILE_LABEL).count() > 0
    assert dialogs == []


def test_clips_of_a_page_play_in_step_and_obey_the_keys(visit: Visit) -> None:
    page = visit().open(KERNEL)
    page.wait_for_selector(".rg-views canvas")
    label = page.locator(".rg-player__frame")
    before = label.inner_text()
    page.wait_for_function("before => document.querySelector('.rg-player__frame').textContent !== before", arg=before)
    page.keyboard.press("Space")
    paused = label.inner_text()
    page.wait_for_timeout(350)
    assert label.inner_text() == paused
    page.keyboard.press("ArrowRight")
    frame = int(paused.split()[1])
    assert label.inner_text() == f"frame {(frame + 1) % FRAMES} (0–{FRAMES - 1})"
    page.get_by_role("button", name="Play").click()
    page.wait_for_function(
        "before => document.querySelector('.rg-player__frame').textContent !== before", arg=label.inner_text()
    )


def test_scrubbing_shows_that_frame_of_every_clip(visit: Visit) -> None:
    page = visit().open(KERNEL)
    page.wait_for_selector(".rg-views .rg-figure:nth-child(4) canvas")
    page.locator(".rg-player input[type=range]").evaluate("e => { e.value = 5; e.dispatchEvent(new Event('input')); }")
    assert page.locator(".rg-player__frame").inner_text() == f"frame 5 (0–{FRAMES - 1})"
    # Stage 1 and its reconstruction are the same clip in the sample: in step they show the same picture.
    same = page.evaluate(
        """() => {
          const size = (figure) => document.querySelector(`.rg-views .rg-figure:nth-child(${figure}) canvas`);
          return [size(1), size(4)].map((canvas) => [canvas.width, canvas.height]);
        }"""
    )
    assert same[0] == same[1]


def test_whoever_wants_less_motion_gets_none(visit: Visit) -> None:
    page = visit(reduced_motion="reduce").open(KERNEL)
    page.wait_for_selector(".rg-views canvas")
    assert page.locator(".rg-player__frame").inner_text() == f"frame {FRAMES // 2} (0–{FRAMES - 1})"
    page.wait_for_timeout(350)
    assert page.locator(".rg-player__frame").inner_text() == f"frame {FRAMES // 2} (0–{FRAMES - 1})"


def test_boxes_have_their_size_before_their_picture(visit: Visit) -> None:
    page = visit(java_script_enabled=False).open(KERNEL)
    page.route("**/*.webp", lambda route: route.abort())
    page.route("**/*.avif", lambda route: route.abort())
    page.route("**/*.png", lambda route: route.abort())
    page.reload()
    box = page.locator(".rg-views .rg-clip").first.bounding_box()
    assert box is not None
    assert box["width"] == pytest.approx(box["height"], abs=1)
    assert box["width"] > 100


def test_the_profile_cursor_follows_playback(visit: Visit) -> None:
    page = visit(reduced_motion="reduce").open("drift/tennis/index.html")
    cursor = page.locator("[data-cursor]").first
    before = float(cursor.get_attribute("x") or 0)
    page.keyboard.press("ArrowRight")
    assert float(cursor.get_attribute("x") or 0) == pytest.approx(before + 320 / FRAMES, abs=0.1)


def test_the_graph_has_its_nodes_and_the_controls_change_it(visit: Visit) -> None:
    visitor = visit()
    page = visitor.open(PYRAMID)
    page.wait_for_selector("#pyramid-graph[data-ready]")
    kernels = 11 * len(LAYERS)
    assert page.locator("svg .rg-node").count() == kernels + 1
    edges = page.locator("svg .rg-edge").count()
    assert edges > 100
    page.locator(".rg-share").evaluate("e => { e.value = 40; e.dispatchEvent(new Event('input')); }")
    assert 1 < page.locator("svg .rg-node").count() < kernels
    assert page.locator("svg .rg-edge").count() < edges
    page.locator(".rg-share").evaluate("e => { e.value = 100; e.dispatchEvent(new Event('input')); }")
    page.locator(".rg-top").fill("3")
    assert page.locator("svg .rg-node").count() == 3 * len(LAYERS) + 1
    assert f"{3 * len(LAYERS)} of {kernels} kernels" in page.locator(".rg-graph__status").inner_text()
    assert visitor.faults == []


def test_inhibition_is_grey_until_it_is_asked_for(visit: Visit) -> None:
    page = visit().open(PYRAMID)
    page.wait_for_selector("#pyramid-graph[data-ready]")
    red = page.evaluate(
        "getComputedStyle(document.querySelector('#pyramid-graph')).getPropertyValue('--rg-inhibits').trim()"
    )
    painted = f"[...document.querySelectorAll('.rg-edge')].filter((e) => e.getAttribute('stroke') === '{red}').length"
    assert page.evaluate(painted) == 0
    page.locator(".rg-negative").check()
    assert page.evaluate(painted) > 0


def test_the_graph_can_be_walked_by_keyboard(visit: Visit) -> None:
    page = visit().open(PYRAMID)
    page.wait_for_selector("#pyramid-graph[data-ready]")
    page.locator(".rg-graph__canvas").focus()
    page.keyboard.press("ArrowRight")
    assert HOSTILE_LABEL in page.locator(".rg-graph__card").inner_text()
    page.keyboard.press("ArrowRight")
    first = page.locator(".rg-graph__card b").inner_text()
    assert "#" in first
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowDown")
    assert page.locator(".rg-graph__card b").inner_text() != first
    assert "paths to the class" in page.locator(".rg-graph__status").inner_text()
    page.wait_for_function(
        "[...document.querySelectorAll('.rg-edge')].some((e) => Number(e.getAttribute('stroke-opacity')) < 0.1)"
    )
    page.keyboard.press("Escape")
    assert page.locator(".rg-graph__card").is_hidden()


def test_pointing_shows_the_card_and_a_click_opens_the_kernel(visit: Visit) -> None:
    page = visit().open(PYRAMID)
    page.wait_for_selector("#pyramid-graph[data-ready]")
    node = page.evaluate(
        """async () => {
          const data = await reportgen.data.load("graph");
          const shown = Number(Object.keys(data.cards)[0]);
          return { name: `#${data.index[shown]}`, href: data.cards[shown].href };
        }"""
    )
    label = page.locator("svg .labels text", has_text=node["name"]).first
    label.evaluate("e => e.scrollIntoView({ block: 'center' })")
    box = label.bounding_box()
    assert box is not None
    page.mouse.move(box["x"] - 8, box["y"] + box["height"] / 2)
    page.wait_for_selector(".rg-graph__card:not([hidden])")
    assert node["name"] in page.locator(".rg-graph__card b").inner_text()
    page.mouse.click(box["x"] - 8, box["y"] + box["height"] / 2)
    page.wait_for_url("**/0*.html")
    assert node["name"] in page.locator("h1").inner_text()


def test_a_link_restores_the_graph(visit: Visit) -> None:
    visitor = visit()
    page = visitor.open(f"{PYRAMID}#share=60&top=4&inhibition=1&kernel=stem.conv%2F7")
    page.wait_for_selector("#pyramid-graph[data-ready]")
    assert page.locator(".rg-share").input_value() == "60"
    assert page.locator(".rg-top").input_value() == "4"
    assert page.locator(".rg-negative").is_checked()
    page.locator(".rg-top").fill("2")
    page.wait_for_function("location.hash.startsWith('#share=60&top=2&inhibition=1')")


@pytest.mark.parametrize("form", ["svg", "png"])
def test_the_graph_can_be_saved(visit: Visit, form: str) -> None:
    page = visit().open(PYRAMID)
    page.wait_for_selector("#pyramid-graph[data-ready]")
    with page.expect_download() as download:
        page.locator(f"[data-save={form}]").click()
    content = Path(download.value.path()).read_bytes()
    assert content.startswith(b"<svg" if form == "svg" else b"\x89PNG")
    assert len(content) > 5000


def test_tables_sort_by_a_click_on_their_header(visit: Visit) -> None:
    page = visit().open(PYRAMID)
    table = page.get_by_role("region", name="Kernels of the pyramid")
    header = table.get_by_role("button", name="Relevance, logits")
    values = "rows => rows.map((row) => Number(row.cells[3].dataset.value))"
    header.click()
    rising = table.locator("tbody tr").evaluate_all(values)
    assert rising == sorted(rising)
    header.click()
    assert table.locator("tbody tr").evaluate_all(values) == rising[::-1]


def test_cards_sort_by_what_is_chosen(visit: Visit) -> None:
    page = visit().open("drift/stem.conv/index.html")
    page.locator(".rg-sort").select_option("speed")
    speeds = page.locator("#kernel-grid .rg-card").evaluate_all(
        "cards => cards.map((card) => Number(card.dataset.speed))"
    )
    assert speeds == sorted(speeds, reverse=True)
    assert len(set(speeds)) > 2


@pytest.mark.parametrize("served", [False, True], ids=["file", "http"])
def test_the_finder_finds_without_a_server(visit: Visit, served: bool) -> None:
    visitor = visit(served=served)
    page = visitor.open("drift/stem.conv/index.html")
    page.keyboard.press("/")
    page.keyboard.type("s2 c #14")
    page.locator(".rg-finder li a").first.wait_for()
    assert "s2 res0 c #14" in page.locator(".rg-finder li").first.inner_text()
    page.keyboard.press("Enter")
    page.wait_for_url("**/s2.res0.branch2.c/0014.html")
    assert visitor.faults == []


def test_the_finder_finds_kernels_by_their_reliance_on_motion(visit: Visit) -> None:
    visitor = visit()
    page = visitor.open("drift/index.html")
    page.keyboard.press("/")
    page.keyboard.type("motion > 0.5 stem")
    page.locator(".rg-finder li a").first.wait_for()
    found = page.locator(".rg-finder li a").all_inner_texts()
    assert len(found) == 8, "of the stem's kernels, 0 to 7 lose 0.75 and the others 0.1"
    assert all("motion 0.75" in text for text in found)
    page.locator(".rg-finder input").fill("motion<0.5")
    texts = page.locator(".rg-finder li a:not(.rg-finder__more)").all_inner_texts()
    reliance = [float(re.findall(r"motion (-?[\d.]+)", text)[0]) for text in texts]
    assert reliance
    assert reliance == sorted(reliance)
    page.locator(".rg-finder input").fill("motion>7")
    assert "No kernel of this report is so" in page.locator(".rg-finder li").first.inner_text()
    assert visitor.faults == []


def test_the_graph_is_coloured_by_reliance_on_motion_when_asked(visit: Visit) -> None:
    visitor = visit()
    page = visitor.open(PYRAMID)
    page.wait_for_selector("#pyramid-graph[data-ready]")
    fills = "[...new Set([...document.querySelectorAll('.rg-node')].map((e) => e.getAttribute('fill')))].length"
    assert page.evaluate(fills) == 2, "the class, and kernels that excite it"
    assert page.locator("[data-legend=motion]").is_hidden()
    page.locator(".rg-colour").select_option("motion")
    assert page.evaluate(fills) == 4, "the class, reliant kernels, others, and those not measured"
    assert page.locator("[data-legend=motion]").is_visible()
    assert page.locator("[data-legend=sign]").is_hidden()
    page.wait_for_function("location.hash.includes('colour=motion')")
    page.reload()
    page.wait_for_selector("#pyramid-graph[data-ready]")
    assert page.evaluate(fills) == 4, "the link restores it"
    assert visitor.faults == []


def test_the_place_that_drives_a_kernel_is_bright_in_its_frames(visit: Visit) -> None:
    page = visit(reduced_motion="reduce").open(KERNEL)
    mark = page.locator(".rg-mark").first
    first = int(mark.get_attribute("data-first") or 0)
    page.locator(".rg-player input[type=range]").fill(str(first))
    assert "rg-mark--now" in (mark.get_attribute("class") or "")
    page.locator(".rg-player input[type=range]").fill("0")
    assert "rg-mark--now" not in (mark.get_attribute("class") or "")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_words_stand_out_from_their_background(visit: Visit, scheme: str) -> None:
    page = visit(color_scheme=scheme).open(KERNEL)
    contrast = page.evaluate(
        """() => {
          const parse = (text) => text.match(/[\\d.]+/g).slice(0, 3).map((v) => v / 255);
          const linear = (v) => (v <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4);
          const light = (text) => {
            const [r, g, b] = parse(text).map(linear);
            return 0.2126 * r + 0.7152 * g + 0.0722 * b;
          };
          const ground = light(getComputedStyle(document.body).backgroundColor);
          const words = ["h1", ".rg-sentence", ".rg-caption", ".rg-number", ".rg-badge b", ".rg-card__numbers"];
          return Object.fromEntries(words.map((word) => {
            const ink = light(getComputedStyle(document.querySelector(word)).color);
            return [word, (Math.max(ink, ground) + 0.05) / (Math.min(ink, ground) + 0.05)];
          }));
        }"""
    )
    assert {word: ratio for word, ratio in contrast.items() if ratio < 4.5} == {}


def test_a_tile_is_enlarged_on_click_and_plays_on(visit: Visit) -> None:
    visitor = visit(viewport={"width": 390, "height": 844})
    page = visitor.open("drift/s2.res0.branch2.c/multiscale.html")
    tile = page.locator("[data-enlarge]").nth(1)
    small = tile.bounding_box()
    tile.click()
    shown = page.locator("dialog[open] .rg-clip")
    page.wait_for_selector("dialog[open] .rg-clip > canvas")
    large = shown.bounding_box()
    assert small is not None
    assert large is not None
    assert large["width"] > 1.5 * small["width"]
    assert large["y"] + large["height"] <= 844
    assert page.locator("dialog[open]").get_attribute("aria-label") == "#14"
    page.keyboard.press("Escape")
    assert page.locator("dialog[open]").count() == 0
    assert visitor.faults == []


PIXELS = "canvas => canvas.toDataURL()"


def levels_in_order(page: playwright_api.Page) -> list[int]:
    """The kernels of the grid's tiles, in their order."""
    return [int(text.split()[0].strip("#")) for text in page.locator(".rg-response__name").all_inner_texts()]


def test_response_maps_are_ordered_played_and_opened(visit: Visit) -> None:
    visitor = visit()
    page = visitor.open(RESPONSES)
    page.wait_for_selector(".rg-response canvas")
    page.keyboard.press("Space")
    assert sorted(levels_in_order(page)) == list(range(16))
    page.locator(".rg-responses__order").select_option("index")
    assert levels_in_order(page) == list(range(16))
    page.locator(".rg-responses__order").select_option("k-means, 4 groups by silhouette")
    kinds = [kernel % 4 for kernel in levels_in_order(page)]
    assert sum(a != b for a, b in pairwise(kinds)) == 3, "four kinds, one behind the other"
    first = page.locator(".rg-response canvas").first
    page.locator(".rg-responses__time").fill("0")
    before = first.evaluate(PIXELS)
    page.locator(".rg-responses__time").fill("4")
    assert first.evaluate(PIXELS) != before
    assert page.locator(".rg-player__frame").inner_text() == f"frame 8 (0–{FRAMES - 1})"
    page.locator(".rg-response[href]").first.click()
    page.wait_for_url(re.compile(r"/stem\.conv/(00\d\d|kernels)\.html"))
    assert visitor.faults == []


def test_a_layer_of_many_kernels_shows_sixty_at_a_time(visit: Visit) -> None:
    page = visit().open(STILLS)
    page.wait_for_selector(".rg-response canvas")
    page.locator(".rg-responses__order").select_option("index")
    assert levels_in_order(page) == list(range(60))
    page.get_by_role("button", name="Next kernels").click()
    assert levels_in_order(page) == list(range(60, 70))
    assert page.locator(".rg-pager").inner_text().replace("\n", " ").find("places 61 to 70 of 70") >= 0
    assert page.locator(".rg-responses__time").count() == 0, "a picture has no time"


@pytest.mark.slow
def test_the_volume_turns_by_mouse_and_keys_and_the_slices_follow_their_sliders(visit: Visit) -> None:
    visitor = visit()
    page = visitor.open(RESPONSES)
    page.wait_for_selector(".rg-response canvas")
    if not page.evaluate("Boolean(document.createElement('canvas').getContext('webgl2'))"):
        pytest.skip("this Chromium has no WebGL 2")
    page.keyboard.press("Space")
    stage = page.locator(".rg-volume__stage")
    looks = set()

    def look() -> None:
        page.wait_for_timeout(250)
        looks.add(stage.locator("canvas").first.evaluate("canvas => canvas.toDataURL()"))

    look()
    stage.focus()
    page.keyboard.press("ArrowLeft")
    look()
    stage.scroll_into_view_if_needed()
    box = stage.bounding_box()
    assert box is not None
    page.mouse.move(box["x"] + 50, box["y"] + 50)
    page.mouse.down()
    page.mouse.move(box["x"] + 150, box["y"] + 90, steps=3)
    page.mouse.up()
    look()
    for mode in ("maximum", "surface", "binary"):
        page.locator(".rg-responses__mode").select_option(mode)
        look()
    assert len(looks) == 6, "each of them shows the volume otherwise"
    one = page.locator("[data-slice=map]")
    before = one.locator("canvas").evaluate(PIXELS)
    one.locator("input").fill("3")
    assert "place 4 of 16" in one.locator("output").inner_text()
    assert one.locator("canvas").evaluate(PIXELS) != before
    page.locator(".rg-responses__percentile").fill("90")
    page.locator(".rg-responses__percentile").press("Enter")
    high = page.locator(".rg-responses__value").inner_text()
    page.get_by_role("button", name="Otsu").click()
    assert page.locator(".rg-responses__value").inner_text() != high
    assert visitor.faults == []


def touched(page: playwright_api.Page, *paths: list[tuple[float, float]]) -> None:
    """Lay as many fingers on the page as there are paths, move them along these and lift them."""
    session = page.context.new_cdp_session(page)
    for kind, step in [("touchStart", 0), *[("touchMove", i) for i in range(1, len(paths[0]))], ("touchEnd", None)]:
        points = (
            []
            if step is None
            else [{"x": path[step][0], "y": path[step][1], "id": finger} for finger, path in enumerate(paths)]
        )
        session.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})
    session.detach()


INKED = """canvas => {
  const flat = Object.assign(document.createElement("canvas"), { width: canvas.width, height: canvas.height });
  const context = flat.getContext("2d");
  context.drawImage(canvas, 0, 0);
  const values = context.getImageData(0, 0, flat.width, flat.height).data;
  return values.filter((value, at) => at % 4 === 3 && value > 0).length;
}"""
"""How many pixels of a canvas are not clear."""


@pytest.mark.parametrize("uri", [RESPONSES, "drift/weights.html"])
def test_a_volume_that_was_never_in_view_is_on_paper(visit: Visit, uri: str) -> None:
    page = visit(viewport={"width": 1000, "height": 300}).open(uri)
    if not page.evaluate("Boolean(document.createElement('canvas').getContext('webgl2'))"):
        pytest.skip("this Chromium has no WebGL 2")
    page.wait_for_timeout(300)
    canvases = page.locator(".rg-volume__stage canvas")
    assert [canvas.evaluate(INKED) for canvas in canvases.all()] == [0, 0]
    page.evaluate("dispatchEvent(new Event('beforeprint'))")
    on_paper = canvases.last.evaluate(INKED)
    page.evaluate("dispatchEvent(new Event('afterprint'))")
    assert on_paper > canvases.last.evaluate(INKED) + 1000 > 1100, "the volume, and its outline"


@pytest.mark.slow
@pytest.mark.parametrize("uri", [RESPONSES, pytest.param("drift/weights.html", marks=pytest.mark.long)])
def test_a_volume_turns_by_one_finger_and_grows_by_two(visit: Visit, uri: str) -> None:
    visitor = visit()
    page = visitor.open(uri)
    if not page.evaluate("Boolean(document.createElement('canvas').getContext('webgl2'))"):
        pytest.skip("this Chromium has no WebGL 2")
    page.keyboard.press("Space")
    stage = page.locator(".rg-volume__stage")
    stage.scroll_into_view_if_needed()
    page.wait_for_timeout(600)
    box = stage.bounding_box()
    assert box is not None
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    outline = stage.locator("canvas").last

    def seen() -> str:
        page.wait_for_timeout(500)
        return str(outline.evaluate(PIXELS))

    at_first, scrolled = seen(), page.evaluate("scrollY")
    touched(page, [(x, y), (x + 20, y + 5), (x + 60, y + 30)])
    turned = seen()
    touched(page, [(x - 20, y), (x - 40, y), (x - 60, y)], [(x + 20, y), (x + 40, y), (x + 60, y)])
    grown = seen()
    assert len({at_first, turned, grown}) == 3
    assert page.evaluate("scrollY") == scrolled, "fingers on the volume do not scroll the page"
    page.get_by_role("button", name="reset").click()
    assert seen() == at_first
    assert visitor.faults == []


@pytest.mark.long
def test_the_gradient_of_a_filter_turns_and_follows_what_is_chosen(visit: Visit) -> None:
    visitor = visit()
    page = visitor.open("drift/weights.html")
    if not page.evaluate("Boolean(document.createElement('canvas').getContext('webgl2'))"):
        pytest.skip("this Chromium has no WebGL 2")
    stage = page.locator(".rg-volume__stage")
    stage.scroll_into_view_if_needed()
    looks = []

    def look() -> None:
        page.wait_for_timeout(400)
        looks.append(stage.locator("canvas").first.evaluate(PIXELS))

    look()
    page.locator(".rg-weights__channel").fill("2")
    assert page.locator(".rg-weights__named").inner_text() == "#2 (3 of 3)"
    look()
    page.locator(".rg-weights__filter").select_option(index=1)
    look()
    page.locator(".rg-weights__layer").select_option(index=1)
    assert page.locator(".rg-weights__named").inner_text() == "#0 (1 of 3)"
    look()
    for mode in ("maximum", "binary"):
        page.locator(".rg-weights__mode").select_option(mode)
        look()
    page.locator(".rg-weights__threshold").fill("60")
    assert page.locator(".rg-weights__value").inner_text() == "±1.20"
    look()
    stage.focus()
    page.keyboard.press("ArrowLeft")
    look()
    assert len(set(looks)) == len(looks), "each of them shows the volume otherwise"
    assert visitor.faults == []


def test_without_webgl_the_slices_stand_alone(visit: Visit) -> None:
    visitor = visit()
    visitor.page.add_init_script(
        "const get = HTMLCanvasElement.prototype.getContext;"
        "HTMLCanvasElement.prototype.getContext = function (kind, ...more) {"
        "  return kind.startsWith('webgl') ? null : get.call(this, kind, ...more); };"
    )
    page = visitor.open(RESPONSES)
    page.wait_for_selector(".rg-response canvas")
    assert page.get_by_text("This browser has no WebGL 2").is_visible()
    assert not page.locator(".rg-volume__stage").is_visible()
    drawn = "canvas => { const blank = canvas.cloneNode(); return canvas.toDataURL() !== blank.toDataURL(); }"
    assert page.locator("[data-slice=rows] canvas").evaluate(drawn)
    page = visitor.open("drift/weights.html")
    assert page.get_by_text("the small pictures above show the same values").is_visible()
    assert not page.locator(".rg-volume__stage").is_visible()
    assert not page.locator(".rg-weights__layer").is_visible()
    assert visitor.faults == []


def test_the_rows_of_a_layers_table_follow_an_order_of_its_maps(visit: Visit) -> None:
    page = visit().open("drift/stem.conv/index.html")
    rows = page.locator("#all-kernels-table tbody th")
    before = rows.all_inner_texts()
    assert before[:3] == ["#0", "#1", "#2"]
    page.locator(".rg-rows").select_option("k-means, 4 groups by silhouette")
    ordered = [int(text.strip("#")) for text in rows.all_inner_texts()]
    kinds = [kernel % 4 for kernel in ordered[:16]]
    assert sum(a != b for a, b in pairwise(kinds)) == 3
    loud = [kernel for kernel in range(len(before) + 1) if kernel != NEAR_SILENT]
    assert sorted(ordered) == loud, "no row is lost, those without a map come last"
    assert page.locator("#near-silent-table tbody th").all_inner_texts() == [f"#{NEAR_SILENT}"]
    page.locator(".rg-rows").select_option("index")
    assert rows.all_inner_texts() == before
    page.get_by_role("link", name="to tennis").click()
    page.wait_for_url("**/responses-tennis.html")
