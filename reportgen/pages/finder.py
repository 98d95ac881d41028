"""What the finder searches: the pages that there are, as plain data for a script (Material's own needs a server)."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from reportgen.pages.page import Found, Page


def finder_index(pages: Iterable[Page]) -> list[dict[str, Any]]:
    """Return one entry per page that has a name: its address, title, what it is, words, and its picture if any."""
    return [_entry(page.uri, page.finder) for page in pages if page.finder]


def _entry(uri: str, found: Found) -> dict[str, Any]:
    page = uri.removesuffix(".md") + ".html"
    entry: dict[str, Any] = {
        "page": page,
        "title": found.title,
        "what": found.what,
        "words": found.words,
        "picture": found.picture,
    }
    return entry if found.motion is None else {**entry, "motion": round(found.motion, 3)}
