"""The site's configuration: what never changes (templates/mkdocs.yml) and the navigation of this report."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from markupsafe import escape

from reportgen.outputs.yaml_text import yaml_text
from reportgen.pages.page import Page
from reportgen.reading.excerpt import Excerpt
from reportgen.reading.format import count, shortened

MOST_LISTED = 40
"""Pages of a section that the navigation lists; mkdocs writes it into every page, so its size multiplies."""

LEAST_LISTED = 4
"""Pages of a section that it lists however many sections there are."""

WHOLE = 400
"""Pages that all sections list together, about."""

LONGEST_TITLE = 100
"""Characters of a title in the navigation; the page itself has the whole."""


def navigation(pages: Iterable[Page]) -> list[dict[str, Any]]:
    """Return mkdocs' ``nav``: sections in the order in which their first page comes, titles escaped for HTML.

    A section that lists only some of its pages says in its title how many there are.
    """
    tree: dict[tuple[str, str], Any] = {}
    for page in pages:
        if page.nav is None:
            continue
        level = tree
        for section in page.nav:
            level = level.setdefault(("section", section), {})
        level["page", page.uri] = page.nav_title
    most = min(MOST_LISTED, max(LEAST_LISTED, WHOLE // max(_sections(tree), 1)))
    return _entries(tree, most).entries


def _sections(tree: Mapping[tuple[str, str], Any]) -> int:
    return sum(1 + _sections(value) for (kind, _), value in tree.items() if kind == "section")


@dataclass(frozen=True)
class _Section:
    entries: list[dict[str, Any]]
    pages: Excerpt[str]


def _entries(tree: Mapping[tuple[str, str], Any], most: int) -> _Section:
    pages = Excerpt.of([uri for kind, uri in tree if kind == "page"], most)
    listed = set(pages)
    entries: list[dict[str, Any]] = []
    for (kind, name), value in tree.items():
        if kind == "page":
            if name in listed:
                entries.append({_title(value): name})
        elif (inner := _entries(value, most)).entries:
            some = f" ({len(inner.pages)} of {count(inner.pages.total)})" if inner.pages.left_out else ""
            entries.append({_title(name) + some: inner.entries})
    return _Section(entries, pages)


def _title(text: str) -> str:
    return str(escape(shortened(text, LONGEST_TITLE)))


def site_configuration(
    base: Path, pages: Iterable[Page], *, name: str, site: str, citation: Mapping[str, Any] | None = None
) -> str:
    """Return a whole ``mkdocs.yml``; `site` is the output folder relative to it, `citation` goes into pages' heads."""
    settings = yaml.safe_load(base.read_text(encoding="utf-8"))
    settings["theme"]["custom_dir"] = "overrides"
    settings |= {
        "site_name": str(escape(name)),
        "docs_dir": "docs",
        "site_dir": site,
        "nav": navigation(pages),
    }
    if citation:
        settings["extra"] = settings.get("extra", {}) | {"citation": dict(citation)}
    return yaml_text(settings, width=1000)
