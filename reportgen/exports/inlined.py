"""A page of the site as one file: what it shows is in it; what it leads to lies where the site is published."""

from __future__ import annotations

import json
import posixpath
from collections.abc import Callable
from html import escape
from html.parser import HTMLParser
from pathlib import Path

from reportgen.exports.inlined_files import SHOW, UNPACK, SiteFiles
from reportgen.exports.inlined_kernels import loaded_data
from reportgen.outputs.site.text import script_json

Attributes = dict[str, str | None]

_VOID = frozenset(
    {"area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "source", "track", "wbr"}
)
_LEFT_OUT_CLASSES = frozenset({"md-sidebar", "md-footer", "md-tabs", "rg-tray", "md-overlay"})
_LEFT_OUT_FOR = frozenset({"__drawer", "__search"})
_LEFT_OUT_SCRIPTS = ("assets/js/finder.js", "assets/js/tray/")
_LEFT_OUT_RELATIONS = frozenset({"prev", "next", "canonical"})

_STYLE = (
    ".md-main__inner{display:block}.md-content{margin:0 auto}"
    "a:not([href^='#'],[href^='http'],[href^='data:']){color:inherit;text-decoration:none;cursor:text}"
)
_NOWHERE = (
    "addEventListener('click',e=>{const a=e.target.closest&&e.target.closest('a[href]');"
    "if(a&&!/^(#|https?:|data:|blob:)/.test(a.getAttribute('href')))e.preventDefault()},true);"
)
"""Links that scripts make to pages that are not here lead nowhere."""


def inlined_page(site: Path, page: str, link: Callable[[str], str]) -> str:
    """Return a page of the site `site` as one file; `link` says where other pages can be opened, empty for nowhere."""
    writer = _Inliner(SiteFiles(site, link), page)
    writer.feed(writer.files.text(page))
    writer.close()
    return writer.whole()


class _Inliner(HTMLParser):
    """Writes a page again, tag by tag."""

    def __init__(self, files: SiteFiles, page: str) -> None:
        super().__init__(convert_charrefs=False)
        self.files = files
        self.page = page
        self._written: list[str] = []
        self._deferred: list[str] = []
        self._open: list[str] = []
        self._links: list[str] = []
        self._left_out = 0
        self._table = -1

    def whole(self) -> str:
        """Return the page."""
        table = f"<script>window.reportFiles={script_json(self.files.table)};{UNPACK}</script>\n"
        written = list(self._written)
        if self._table >= 0:
            written[self._table] = table
        return "".join(written)

    def handle_decl(self, decl: str) -> None:
        self._written.append(f"<!{decl}>")

    def handle_data(self, data: str) -> None:
        if not self._left_out:
            self._written.append(self._settings(data) if self._in_settings else data)

    def handle_entityref(self, name: str) -> None:
        self.handle_data(f"&{name};")

    def handle_charref(self, name: str) -> None:
        self.handle_data(f"&#{name};")

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._start(tag, dict(attrs), closed=True)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._start(tag, dict(attrs), closed=tag in _VOID)

    def handle_endtag(self, tag: str) -> None:
        if self._left_out:
            self._left_out -= tag not in _VOID
            return
        if tag in _VOID:
            return
        if self._open:
            self._open.pop()
        if tag == "body":
            self._written += self._deferred
        if tag == "head":
            self._written.append(f"<style>{_STYLE}</style>\n")
        self._in_settings = False
        self._written.append(f"</{self._links.pop() if tag == 'a' and self._links else tag}>")

    _in_settings = False

    def _start(self, tag: str, attributes: Attributes, *, closed: bool) -> None:
        if self._left_out or _is_left_out(tag, attributes):
            self._left_out += not closed
            return
        if not closed:
            self._open.append(tag)
        if tag == "script" and attributes.get("src"):
            self._script(attributes)
            return
        if tag == "link":
            self._style(attributes)
            return
        if tag == "script" and attributes.get("id") == "__config":
            self._in_settings = True
        if tag == "a":
            tag, attributes = self._anchor(attributes)
            self._links.append(tag)
        else:
            attributes = self._held(tag, attributes)
        told = "".join(_told(name, value) for name, value in attributes.items())
        drawn = "/" if closed and tag not in _VOID else ""
        self._written.append(f"<{tag}{told}{drawn}>")
        if tag == "head":
            self._written.append(f"<script>{_NOWHERE}</script>\n")

    def _script(self, attributes: Attributes) -> None:
        """Write a script: those that wait for the page at its end, and the files before the first of all."""
        self._left_out = 1  # up to its end
        self._open.pop()
        path = self.files.find(self.page, attributes["src"] or "")
        if path is None or path.startswith(_LEFT_OUT_SCRIPTS):
            return
        if self._table < 0:
            self._table = len(self._written)
            self._written.append("")
        if path.endswith("assets/js/theme.js"):  # the first at the end of the page
            self._written.append(f"<script>{SHOW}</script>\n")
        text = f"<script>{self.files.script(path, self.page)}</script>\n"
        if path.endswith("assets/js/kernels/data.js"):
            loaded = loaded_data(self.files, self.page)
            text += "".join(f"<script>{self.files.script_of(*one, self.page)}</script>\n" for one in loaded)
        (self._deferred if "defer" in attributes else self._written).append(text)

    def _style(self, attributes: Attributes) -> None:
        relation = attributes.get("rel") or ""
        path = self.files.find(self.page, attributes.get("href") or "")
        if relation in _LEFT_OUT_RELATIONS or path is None:
            return
        if relation == "stylesheet":
            self._written.append(f"<style>{self.files.style(path)}</style>\n")
        elif held := self.files.holding(path):
            self._written.append(f'<link rel="{escape(relation)}" href="{held}">')

    def _anchor(self, attributes: Attributes) -> tuple[str, Attributes]:
        """Return a link: within the page, to what it holds, to where the site is published, or words alone."""
        address = attributes.get("href") or ""
        path = self.files.find(self.page, address)
        if address.startswith(("#", "http://", "https://", "mailto:", "data:")):
            return "a", attributes
        part = "".join(address.partition("#")[1:])
        if path == self.page and part:
            return "a", {**attributes, "href": part}
        if path and path.endswith((".csv", ".csv.gz")) and (held := self.files.holding(path)):
            return "a", {**attributes, "href": held, "download": posixpath.basename(path)}
        if path and (published := self.files.link(path + part)):
            return "a", {**attributes, "href": published}
        kept = {name: value for name, value in attributes.items() if name not in ("href", "download")}
        return ("g" if "svg" in self._open else "span"), kept

    def _held(self, tag: str, attributes: Attributes) -> Attributes:
        found = dict(attributes)
        for name in ("src", "poster"):
            if (address := found.get(name)) and (path := self.files.find(self.page, address)):
                found[name] = self.files.holding(path)
        if (address := found.get("data-sprite")) and (path := self.files.find(self.page, address)):
            found["data-sprite"] = self.files.numbered(path)
        if tag == "option" and (value := found.get("value")) and (path := self.files.find(self.page, value)):
            published = self.files.link(path)
            found |= {"value": published or "#"} | ({} if published or "selected" in found else {"disabled": None})
        return found

    def _settings(self, data: str) -> str:
        """Return the theme's settings with the site's root where it is published."""
        return json.dumps(json.loads(data) | {"base": self.files.link("index.md").removesuffix("/index.html") or "."})


def _is_left_out(tag: str, attributes: Attributes) -> bool:
    classes = set((attributes.get("class") or "").split())
    if not classes.isdisjoint(_LEFT_OUT_CLASSES) or attributes.get("data-md-component") in ("search", "skip"):
        return True
    if tag == "label" and attributes.get("for") in _LEFT_OUT_FOR:
        return True
    about = attributes.get("property") or attributes.get("name") or ""
    return tag == "meta" and about.startswith(("og:image", "twitter:"))


def _told(name: str, value: str | None) -> str:
    return f" {name}" if value is None else f' {name}="{escape(value)}"'
