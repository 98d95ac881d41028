"""Whether every link of a built site leads somewhere: files, anchors, and no other host."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from functools import cache
from html import unescape
from pathlib import Path
from urllib.parse import unquote, urljoin, urlsplit

# A thousand pages must take seconds: the builder quotes every attribute, so a pattern reads what a parser would.
_ATTRIBUTE = re.compile(r'\s(href|src|poster|data-sprite|id)="([^"]*)"')
_FROM_ELSEWHERE = re.compile(
    r'<(?:script|img|link|iframe|source|video|audio|object)\b[^>]*?\s(?:src|href|data)="((?:https?:)?//[^"]*)"'
)


@dataclass(frozen=True)
class BrokenLink:
    """A link that leads nowhere, and the page that it is on."""

    page: str
    target: str
    why: str

    def __str__(self) -> str:
        return f"{self.page} links to {self.target}, {self.why}"


@dataclass(frozen=True)
class _Document:
    identities: frozenset[str]
    links: tuple[str, ...]
    elsewhere: tuple[str, ...]


def parts_of(text: str) -> frozenset[str]:
    """Return the parts of a page that links may lead to."""
    return frozenset(unescape(value) for name, value in _ATTRIBUTE.findall(text) if name == "id")


def _read(path: Path) -> _Document:
    text = path.read_text(encoding="utf-8")
    found = [(name, unescape(value)) for name, value in _ATTRIBUTE.findall(text)]
    return _Document(
        identities=frozenset(value for name, value in found if name == "id"),
        links=tuple(dict.fromkeys(value for name, value in found if name != "id" and value)),
        elsewhere=tuple(dict.fromkeys(_FROM_ELSEWHERE.findall(text))),
    )


def broken_links(site: Path, only: Collection[str] | None = None) -> Iterator[BrokenLink]:
    """Yield every link of a site's pages that leads nowhere, and everything that a page would load from elsewhere.

    The links of `only` these pages, where given. Links to other hosts that a reader may follow are left alone;
    ``404.html`` is, because it does not know where it will be shown.
    """
    pages = {path.relative_to(site).as_posix(): path for path in sorted(site.rglob("*.html"))}
    pages.pop("404.html", None)
    document = cache(lambda name: _read(pages[name]))

    @cache
    def why_broken(target: str, anchor: str) -> str:
        if target not in pages and not (site / target).is_file():
            return "which does not exist"
        if not anchor or anchor.startswith("__") or target not in pages:
            return ""
        return "" if anchor in document(target).identities else "a page without that part"

    for name in pages if only is None else sorted(only):
        yield from (BrokenLink(name, link, "which is on another host") for link in document(name).elsewhere)
        for link in document(name).links:
            parts = urlsplit(link)
            if parts.scheme or parts.netloc:
                continue
            target = unquote(urlsplit(urljoin(f"/{name}", link)).path).lstrip("/")
            target = target + "index.html" if target.endswith("/") or not target else target
            if why := why_broken(target, unquote(parts.fragment)):
                yield BrokenLink(name, link, why)
