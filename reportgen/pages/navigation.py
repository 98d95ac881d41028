"""The site's configuration: what never changes (templates/mkdocs.yml) and the navigation of this report."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import yaml
from markupsafe import escape

from reportgen.pages.page import Page

MOST_LISTED = 40
"""Pages of a section that the navigation lists; mkdocs writes it into every page, so its size multiplies."""


def navigation(pages: Iterable[Page]) -> list[dict[str, Any]]:
    """Return mkdocs' ``nav``: sections in the order in which their first page comes, titles escaped for HTML."""
    tree: dict[tuple[str, str], Any] = {}
    for page in pages:
        if page.nav is None:
            continue
        level = tree
        for section in page.nav:
            level = level.setdefault(("section", section), {})
        level["page", page.uri] = page.nav_title
    return _entries(tree)


def _entries(tree: dict[tuple[str, str], Any]) -> list[dict[str, Any]]:
    entries: list[dict[str, Any]] = []
    leaves = 0
    for (kind, name), value in tree.items():
        if kind == "section":
            inner = _entries(value)
            if inner:
                entries.append({str(escape(name)): inner})
        elif (leaves := leaves + 1) <= MOST_LISTED:
            entries.append({str(escape(value)): name})
    return entries


def site_configuration(base: Path, pages: Iterable[Page], *, name: str, site: str) -> str:
    """Return a whole ``mkdocs.yml``; `site` is the output folder relative to it."""
    settings = yaml.safe_load(base.read_text(encoding="utf-8"))
    settings["theme"]["custom_dir"] = "overrides"
    settings |= {
        "site_name": str(escape(name)),
        "docs_dir": "docs",
        "site_dir": site,
        "nav": navigation(pages),
    }
    text: str = yaml.safe_dump(settings, allow_unicode=True, sort_keys=False, width=1000)
    return text
