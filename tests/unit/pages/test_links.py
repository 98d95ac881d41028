"""The link check finds what leads nowhere, and only that."""

from __future__ import annotations

from pathlib import Path

import pytest

from reportgen.pages.links import broken_links


def site(tmp_path: Path, body: str) -> Path:
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "page.html").write_text('<h2 id="here">x</h2><h2 id="a&amp;b">y</h2>', encoding="utf-8")
    (tmp_path / "pic ture.webp").write_bytes(b"")
    (tmp_path / "index.html").write_text(f'<p id="top">{body}</p>', encoding="utf-8")
    return tmp_path


@pytest.mark.parametrize(
    "body",
    [
        '<a href="a/page.html#here">',
        '<a href="a/page.html#a&amp;b">',
        '<a href="#top">',
        '<img src="pic%20ture.webp">',
        '<a href="a/../index.html?x=1">',
        '<a href="https://example.org/paper">',
        '<a href="mailto:someone@example.org">',
        '<img src="data:image/png;base64,AAAA">',
    ],
)
def test_what_leads_somewhere_is_left_alone(tmp_path: Path, body: str) -> None:
    assert list(broken_links(site(tmp_path, body))) == []


@pytest.mark.parametrize(
    ("body", "why"),
    [
        ('<a href="gone.html">', "does not exist"),
        ('<a href="a/page.html#gone">', "without that part"),
        ('<a href="#gone">', "without that part"),
        ('<span data-sprite="gone.webp">', "does not exist"),
        ('<img alt="x" src="https://example.org/x.png">', "another host"),
        ('<script src="//example.org/x.js">', "another host"),
        ('<link rel="stylesheet" href="https://example.org/x.css">', "another host"),
    ],
)
def test_what_leads_nowhere_or_elsewhere_is_found(tmp_path: Path, body: str, why: str) -> None:
    found = list(broken_links(site(tmp_path, body)))
    assert [link.page for link in found] == ["index.html"]
    assert why in str(found[0])
