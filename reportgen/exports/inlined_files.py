"""Files of a site as text that stands in a page: addresses that hold them, styles, scripts and data."""

from __future__ import annotations

import base64
import posixpath
import re
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import unquote

from reportgen.outputs.site.scripts import held_script, script_data
from reportgen.outputs.site.text import script_json

MEDIA_TYPES = {
    ".avif": "image/avif",
    ".csv": "text/csv",
    ".gif": "image/gif",
    ".gz": "application/gzip",
    ".jpg": "image/jpeg",
    ".png": "image/png",
    ".svg": "image/svg+xml",
    ".webp": "image/webp",
    ".woff2": "font/woff2",
}
"""What is put into a page; other files are left out."""

_STYLE_ADDRESS = re.compile(r"url\((['\"]?)(?!data:|#)([^'\")]+)\1\)")
_END = re.compile(r"</(script|style)", re.IGNORECASE)

UNPACK = (
    "window.reportUnpacked=v=>typeof v==='string'?(v.startsWith('@file:')?reportFiles[v.slice(6)]:v):"
    "Array.isArray(v)?v.map(reportUnpacked):v&&typeof v==='object'?"
    "Object.fromEntries(Object.entries(v).map(([k,x])=>[k,reportUnpacked(x)])):v;"
)
"""Puts the files where scripts look for them: each is in the page once, however often it is shown."""

SHOW = (
    "for(const e of document.querySelectorAll('[data-sprite^=\"@file:\"]'))"
    "e.dataset.sprite=reportUnpacked(e.dataset.sprite);"
)
"""The same for the clips of the page itself."""


class SiteFiles:
    """The files of a site, as a page takes them in; `link` says where a page of the site can be opened.

    `table` has the files that scripts show, by their number.
    """

    def __init__(self, site: Path, link: Callable[[str], str]) -> None:
        self.site = site
        self.link = link
        self.table: list[str] = []
        self._number = cache(self._numbered)
        self._paths = {path.relative_to(site).as_posix() for path in site.rglob("*") if path.is_file()}

    def find(self, here: str, address: str) -> str | None:
        """Return the file of the site that an address on the page `here` means; None where it means none."""
        if "://" in address or address.startswith(("/", "data:", "#")):
            return None
        path = posixpath.normpath(posixpath.join(posixpath.dirname(here), unquote(address.partition("#")[0])))
        return path if path in self._paths else None

    def text(self, path: str) -> str:
        """Return a file's text."""
        return (self.site / path).read_text(encoding="utf-8")

    def holding(self, path: str) -> str | None:
        """Return an address that holds a file; None for a kind that pages do not hold."""
        media = MEDIA_TYPES.get(Path(path).suffix.lower())
        if media is None:
            return None
        return f"data:{media};base64,{base64.b64encode((self.site / path).read_bytes()).decode()}"

    def numbered(self, path: str) -> str | None:
        """Return by what scripts find a file in the table; None for a kind that pages do not hold."""
        return self._number(path)

    def _numbered(self, path: str) -> str | None:
        held = self.holding(path)
        if held is None:
            return None
        self.table.append(held)
        return f"@file:{len(self.table) - 1}"

    def style(self, path: str) -> str:
        """Return a style sheet with what it shows in it."""

        def replaced(match: re.Match[str]) -> str:
            found = self.find(path, match[2])
            return f"url({self.holding(found) if found else 'data:,'})"

        return _END.sub(r"<\\/\1", _STYLE_ADDRESS.sub(replaced, self.text(path)))

    def data(self, path: str) -> Any:
        """Return what a script of data holds; None where there is no such script."""
        found = script_data(self.text(path)) if path in self._paths else None
        return found[1] if found else None

    def names(self, folder: str) -> list[str]:
        """Return the names of the files of a folder."""
        return [posixpath.basename(path) for path in self._paths if posixpath.dirname(path) == folder]

    def script(self, path: str, here: str) -> str:
        """Return a script as it stands in the page `here`; of a script of data, with the files that it names."""
        text = self.text(path)
        if found := script_data(text):
            return self.script_of(*found, here)
        return _END.sub(r"<\\/\1", text)

    def script_of(self, name: str, data: Any, here: str) -> str:
        """Return data as a script in the page `here`, with the files that it names."""
        return held_script("reportData", name, f"reportUnpacked({script_json(self._packed(data, here))})")

    def _packed(self, value: Any, here: str) -> Any:
        if isinstance(value, dict):
            return {name: self._packed(one, here) for name, one in value.items()}
        if isinstance(value, list):
            return [self._packed(one, here) for one in value]
        if not isinstance(value, str) or "." not in value or len(value) > 1000:
            return value
        for base in (here, ""):
            if path := self.find(base, value):
                # A page keeps its address, from the site's root, where scripts look for it there; else it is led to.
                if path.endswith(".html"):
                    return value if not base else self.link("".join([path, *value.partition("#")[1:]])) or "#"
                return self.numbered(path) or value
        return value
