"""One file of HTML shows what it shows from anywhere: it asks for no other file, and its links lead nowhere broken."""

from __future__ import annotations

import base64
import json
import re
from html import unescape
from pathlib import Path
from urllib.parse import unquote

import pytest

from reportgen.commands.export import export
from reportgen.errors import OptionError, UnknownNameError
from reportgen.exports.html_file import site_page
from reportgen.exports.inlined import inlined_page
from reportgen.outputs.paper.write import summary_html
from reportgen.pages.report import Report
from reportgen.records.finding import find_runs
from reportgen.summary.document import summary_of
from tests.chromium import playwright_api

PYRAMID = "drift/tennis/class-0002.html"
KERNELS = "drift/stem.conv/kernels.html"
KERNEL = "drift/s2.res0.branch2.c/0007.html"
PAGES = (
    "index.html",
    "drift/motion.html",
    "drift/weights.html",
    "drift/kernels.html",
    "drift/tennis/index.html",
    "drift/stem.conv/responses-tennis.html",
    KERNEL,
    KERNELS,
    PYRAMID,
)
WITHIN = ("#", "data:", "https://example.org/")


def nowhere(_: str) -> str:
    return ""


def addresses(page: str) -> list[str]:
    """What a page loads or leads to."""
    markup = re.sub(r"<script\b.*?</script>|<style\b.*?</style>", "", page, flags=re.DOTALL)
    found = re.findall(r'\s(?:src|href|poster|srcset|action)="([^"]*)"', markup)
    return [unescape(address) for address in found if address]


@pytest.mark.parametrize("page", PAGES)
def test_a_page_names_no_other_file(page: str, sample_site: Path) -> None:
    text = inlined_page(sample_site, page, nowhere)
    assert [address for address in addresses(text) if not address.startswith(WITHIN)] == []
    assert not re.search(r"url\((?!['\"]?(?:data:|#))", text)


def test_a_clip_of_a_page_is_the_file_that_the_site_shows(sample_site: Path) -> None:
    text = inlined_page(sample_site, KERNEL, nowhere)
    own = re.findall(r' data-sprite="([^"]*)"', (sample_site / KERNEL).read_text(encoding="utf-8"))
    table = json.loads(text.partition("window.reportFiles=")[2].partition(";window.reportUnpacked")[0])
    shown = [table[int(number)] for number in re.findall(r' data-sprite="@file:(\d+)"', text)]
    files = [((sample_site / KERNEL).parent / unquote(address)).resolve().read_bytes() for address in own]
    assert [base64.b64decode(address.partition("base64,")[2]) for address in shown] == files
    assert len(set(files)) > 2


def test_links_lead_to_where_the_report_is_published(sample_site: Path) -> None:
    text = inlined_page(sample_site, PYRAMID, lambda address: f"https://example.org/{address}")
    kernel = "https://example.org/drift/stem.conv/kernels.html#0001"
    assert "https://example.org/drift/index.html" in addresses(text)
    assert any(address.startswith(kernel.partition("#")[0]) for address in addresses(text))
    assert all((sample_site / found).is_file() for found in re.findall(r'="https://example.org/([^"#]+)', text))


def test_the_summary_is_one_file_without_scripts(sample_runs: Path) -> None:
    text = summary_html(summary_of(Report.of(find_runs(sample_runs))), nowhere)
    assert "<script" not in text
    assert [address for address in addresses(text) if not address.startswith("data:")] == []
    assert len(re.findall(r'<img [^>]*alt="[^"]+"', text)) == text.count("<img") > 20


def test_pages_are_found_by_their_address(sample_site: Path) -> None:
    assert site_page(sample_site, "drift/audit") == "drift/audit.html"
    assert site_page(sample_site, "/drift/") == "drift/index.html"
    assert site_page(sample_site, "drift/audit.md#checks") == "drift/audit.html"
    assert site_page(sample_site, "https://example.org/drift/audit.html".partition(".org")[2]) == "drift/audit.html"
    with pytest.raises(UnknownNameError, match=r"did you mean drift/audit\.html"):
        site_page(sample_site, "drift/audti.html")
    with pytest.raises(UnknownNameError):
        site_page(sample_site, "../runs/drift/run.json")
    with pytest.raises(OptionError, match="side by side"):
        site_page(sample_site, "compare.html")


def test_a_page_is_a_matter_of_html_alone(sample_runs: Path, tmp_path: Path) -> None:
    with pytest.raises(OptionError, match="`page`"):
        export(sample_runs, "csv", to=tmp_path / "x", page="index.html")


@pytest.mark.browser
def test_in_a_browser_they_work_without_any_neighbour(
    sample_site: Path, tmp_path: Path, browser: playwright_api.Browser
) -> None:
    page = browser.new_page()
    faults: list[str] = []
    page.on("pageerror", lambda error: faults.append(str(error)))
    page.on("requestfailed", lambda request: faults.append(request.url))
    file = tmp_path / "page.html"

    def opened(address: str, part: str = "") -> None:
        file.write_text(inlined_page(sample_site, address, nowhere), encoding="utf-8")
        page.goto(f"about:blank#{address}")
        page.goto(file.as_uri() + part)

    opened(PYRAMID)
    page.wait_for_selector(".rg-graph__canvas svg rect.rg-node")
    page.wait_for_selector(".rg-clip canvas", state="attached")
    opened(KERNELS, "#0008")
    page.wait_for_selector("h1:has-text('#8')")
    opened(KERNEL)
    page.wait_for_selector(".rg-clip canvas", state="attached")
    page.click("nav.rg-crumbs span:first-child")
    page.wait_for_timeout(100)
    assert page.url == file.as_uri()
    assert faults == []
    page.close()
