"""What the finder searches: the pages that there are, as plain data for a script (Material's own needs a server)."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from reportgen.pages.page import Found, Page


def finder_index(pages: Iterable[Page]) -> list[dict[str, Any]]:
    """Return one entry per page that has a name, and per part of one: address, title, what it is, words, picture.

    Kernels are not among them: scripts find these in the list of all kernels, visualised or not.
    """
    found: list[dict[str, Any]] = []
    for page in pages:
        if page.finder and not page.finder.in_list:
            found.append(_entry(page.uri, page.finder))
        found += [_entry(f"{page.uri}#{part}", one) for part, one in page.also_found]
    return found


def _entry(uri: str, found: Found) -> dict[str, Any]:
    path, mark, part = uri.partition("#")
    return {
        "page": f"{path.removesuffix('.md')}.html{mark}{part}",
        "title": found.title,
        "what": found.what,
        "words": found.words,
        "picture": found.picture,
    }
