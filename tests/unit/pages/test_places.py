"""Links lead to pages and parts that there are; where there are none, the words remain."""

from __future__ import annotations

from pathlib import Path

import pytest

from reportgen.pages.page import Page
from reportgen.pages.places import PageAddresses
from reportgen.pages.templating import Templates

PLACES = PageAddresses.of([Page("m/pairs.md", "t", "x", {}, parts=("a-b",)), Page("index.md", "t", "x", {})])


@pytest.mark.parametrize(
    ("target", "there"),
    [
        ("index.md", True),
        ("m/pairs.md", True),
        ("m/pairs.md#a-b", True),
        ("m/pairs.md#a-c", False),
        ("m/gone.md", False),
        ("", False),
    ],
)
def test_a_place_is_a_page_or_a_part_that_it_declares(target: str, there: bool) -> None:
    assert PLACES.has(target) is there


def test_a_link_to_nowhere_is_its_words(tmp_path: Path) -> None:
    source = "{{ link('m/pairs.md#a-b', '<x>') }}|{{ link('m/gone.md', '<x>') }}|{{ leads('index.md') }}"
    (tmp_path / "page.md.j2").write_text(source, encoding="utf-8")
    text = Templates(tmp_path).render(Page("m/index.md", "t", "page.md.j2", {}), PLACES)
    body = text.rpartition("---\n\n")[2].strip()
    assert body == '<a href="pairs.html#a-b">&#60;x&#62;</a>|&#60;x&#62;|True'
