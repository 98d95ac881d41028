"""Whether every link of a built site leads somewhere: files, anchors, and no other host."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urljoin, urlsplit

_ATTRIBUTES = ("href", "src", "poster", "data-sprite")
_LOADED = ("src", "poster", "data-sprite")


@dataclass(frozen=True)
class BrokenLink:
    """A link that leads nowhere, and the page that it is on."""

    page: str
    target: str
    why: str

    def __str__(self) -> str:
        return f"{self.page} links to {self.target}, {self.why}"


@dataclass
class _Document(HTMLParser):
    identities: set[str] = field(default_factory=set)
    links: list[tuple[str, bool]] = field(default_factory=list)

    def __post_init__(self) -> None:
        super().__init__()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        for name, value in attrs:
            if name in ("id", "name") and value:
                self.identities.add(value)
            elif name in _ATTRIBUTES and value:
                self.links.append((value, name in _LOADED or tag == "link"))


def _read(path: Path) -> _Document:
    document = _Document()
    document.feed(path.read_text(encoding="utf-8"))
    return document


def broken_links(site: Path) -> Iterator[BrokenLink]:
    """Yield every link of a site's pages that leads nowhere, and everything that a page would load from elsewhere.

    Links to other hosts that a reader may follow are left alone; ``404.html`` is, because it does not know where
    it will be shown.
    """
    pages = {path.relative_to(site).as_posix(): path for path in sorted(site.rglob("*.html"))}
    documents = {name: _read(path) for name, path in pages.items() if name != "404.html"}
    for name, document in documents.items():
        for link, loaded in document.links:
            parts = urlsplit(link)
            if parts.scheme or parts.netloc:
                if loaded and parts.scheme != "data":
                    yield BrokenLink(name, link, "which is on another host")
                continue
            target = unquote(urlsplit(urljoin(f"/{name}", link)).path).lstrip("/")
            target = target + "index.html" if target.endswith("/") or not target else target
            if target not in documents and not (site / target).is_file():
                yield BrokenLink(name, link, "which does not exist")
            elif parts.fragment and target in documents:
                anchor = unquote(parts.fragment)
                if anchor not in documents[target].identities and not anchor.startswith("__"):
                    yield BrokenLink(name, link, "a page without that part")
