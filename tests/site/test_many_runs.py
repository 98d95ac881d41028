"""Many clips, classes and networks with names of 300 characters: caps say what they leave out, no link breaks."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from many_runs import Size, write_many

from reportgen.commands.render import render
from reportgen.pages.navigation import WHOLE, navigation
from reportgen.pages.page import Page
from reportgen.pages.pyramid import MOST_OTHERS
from reportgen.pages.pyramid_compare import MOST_COMPARED
from reportgen.pages.pyramid_pairs import KINDS, MOST_PAIRS
from reportgen.pages.registry import all_pages
from reportgen.pages.report import Report
from reportgen.reading.excerpt import Excerpt
from reportgen.records.finding import find_runs

pytestmark = pytest.mark.slow

SIZE = Size(clips=40, classes=30, per_clip=3, networks=2, kernels=2)
PYRAMIDS = SIZE.clips * SIZE.per_clip
WRITTEN = 12


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory) -> list[Page]:
    """The pages of many pyramids, described and not written."""
    return list(all_pages(Report.of(find_runs(write_many(tmp_path_factory.mktemp("many"), SIZE)))))


@pytest.fixture(scope="module")
def compared(pages: list[Page]) -> Page:
    return next(page for page in pages if page.uri == "net0/pyramids.md")


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The site of a dozen clips, written; RenderError would be raised for a link that leads nowhere."""
    folder = tmp_path_factory.mktemp("site")
    runs = write_many(folder / "runs", Size(clips=WRITTEN, classes=30, per_clip=1, networks=2, kernels=2))
    return render(runs, folder / "site", build_dir=folder / "build").parent


@pytest.mark.long
def test_a_site_of_many_clips_and_long_names_has_no_link_that_leads_nowhere(site: Path) -> None:
    text = (site / "net0" / "pyramids.html").read_text(encoding="utf-8")
    pairs = WRITTEN * (WRITTEN - 1) // 2 + WRITTEN
    assert f"{pairs - MOST_PAIRS} more pairs are not shown in full." in text
    assert len(re.findall(r'<td class="num"[^>]*><a href="pyramids\.html#', text)) >= 2, (
        "pairs in the table link to their sections"
    )


@pytest.mark.long
@pytest.mark.browser
@pytest.mark.parametrize(("width", "height"), [(1440, 900), (390, 844)])
def test_long_names_neither_widen_a_page_nor_fill_the_screen(browser: Any, site: Path, width: int, height: int) -> None:
    clip = next(path.parent for path in site.glob("net0/clip0-*/index.html"))
    pages = ("index.html", "net0/index.html", "net0/audit.html", "net0/pyramids.html")
    page = browser.new_page(viewport={"width": width, "height": height})
    for path in (*(site / name for name in pages), *clip.glob("*.html")):
        page.goto(path.as_uri())
        too_wide = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
        filled = page.evaluate("document.querySelector('h1').getBoundingClientRect().bottom")
        assert too_wide <= 0, path.name
        assert filled < 0.8 * height, path.name
    page.close()


def test_pairs_of_every_kind_are_shown_though_one_kind_would_fill_the_page(compared: Page) -> None:
    pairs: Excerpt[Any] = compared.context["pairs"]
    assert len(pairs) == MOST_PAIRS
    assert pairs.total == PYRAMIDS * (PYRAMIDS - 1) // 2 + PYRAMIDS
    assert {pair.what for pair in pairs} == set(KINDS)
    assert len(set(compared.parts)) == MOST_PAIRS


def test_the_matrix_links_to_the_pairs_that_are_shown_and_to_no_other(compared: Page) -> None:
    rows = compared.context["matrix"]
    assert len(rows) == MOST_COMPARED
    assert compared.context["compared"].left_out == PYRAMIDS - MOST_COMPARED
    targets = {cell.target for _, cells in rows for cell in cells} - {""}
    assert targets
    assert targets <= {f"{compared.uri}#{part}" for part in compared.parts}


def test_a_pyramids_page_lists_the_nearest_others_only(pages: list[Page]) -> None:
    page = next(page for page in pages if page.template == "pages/pyramid.md.j2")
    others: Excerpt[tuple[str, str]] = page.context["others"]
    assert (len(others), others.left_out) == (MOST_OTHERS, PYRAMIDS - 1 - MOST_OTHERS)
    clip = page.uri.rpartition("/")[0]
    assert [uri.startswith(clip) for _, uri in others.shown[:3]] == [True, True, False], "its clip's come first"
    assert page.uri not in {uri for _, uri in others}


def test_the_navigation_stays_small(pages: list[Page]) -> None:
    def leaves(entries: list[dict[str, Any]]) -> int:
        values = [value for entry in entries for value in entry.values()]
        return sum(leaves(value) if isinstance(value, list) else 1 for value in values)

    assert leaves(navigation(pages)) <= WHOLE


def test_the_finder_knows_every_page_and_only_those(pages: list[Page]) -> None:
    assert [page.uri for page in pages if page.finder is None] == []


def test_addresses_fit_a_file_system(pages: list[Page]) -> None:
    assert max(len(part.encode()) for page in pages for part in page.uri.split("/")) <= 255
    assert len({page.uri.casefold() for page in pages}) == len(pages)
