"""What a report says of itself where it is linked or cited."""

from __future__ import annotations

import re
from html import unescape
from pathlib import Path

import pytest

from reportgen.pictures import opened_picture


def metas(page: Path) -> dict[str, str]:
    text = page.read_text(encoding="utf-8")
    found = re.findall(r'<meta (?:name|property)="([^"]+)" content="([^"]*)"', text)
    return {name: unescape(value) for name, value in found}


@pytest.mark.parametrize("page", ["index.html", "drift/audit.html", "drift/tennis/class-0002.html", "methods.html"])
def test_every_page_describes_itself(sample_site: Path, page: str) -> None:
    said = metas(sample_site / page)
    assert 10 < len(said["description"]) <= 200
    assert said["og:title"]
    assert said["citation_title"].startswith("What the kernels of")
    assert re.fullmatch(r"\d{4}/\d\d/\d\d", said["citation_publication_date"])
    assert (sample_site / page).parent.joinpath(said["og:image"]).resolve().is_file()


def test_pages_describe_themselves_apart(sample_site: Path) -> None:
    pages = (
        "index.html",
        "drift/audit.html",
        "drift/motion.html",
        "drift/tennis/index.html",
        "drift/stem.conv/index.html",
    )
    told = [metas(sample_site / page)["description"] for page in pages]
    assert len(set(told)) == len(told)


def test_the_card_is_a_small_picture_of_the_size_that_sites_ask_for(sample_site: Path) -> None:
    card = sample_site / "assets" / "card.png"
    assert card.stat().st_size < 300_000
    with opened_picture(card) as picture:
        assert (picture.width, picture.height) == (1200, 630)


def test_the_front_page_says_how_to_cite_it(sample_site: Path) -> None:
    text = (sample_site / "index.html").read_text(encoding="utf-8")
    cited = unescape(re.sub(r"<[^>]+>", " ", text[text.index('id="cite"') :]))
    assert "2025-11-20" in cited
    assert "weights abababababababab" in cited
    assert "@misc{" in cited
    assert "ab" * 32 in cited
