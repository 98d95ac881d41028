"""What one render takes from the render before it, file by file, and what it leaves to the next.

A file of the build folder is kept where it is made from the same (its key), a page of the site where its Markdown and
mkdocs' settings are the same; either only where its bytes are those that were written then. So a site that was edited,
or brought from elsewhere, has nothing that is kept: all of it is written again.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path, PurePosixPath

from reportgen.errors import RenderError, StoreError
from reportgen.pages.compiled import CompiledTemplates
from reportgen.pages.links import parts_of
from reportgen.pages.report import Report
from reportgen.records.files import file_digest
from reportgen.records.os_errors import describe_os_error
from reportgen.records.owned import OwnedFolder
from reportgen.records.paths import inside
from reportgen.records.root_digest import ROOT_FILE, SUMS, UNSEALED
from reportgen.site_memory import MadeFile, SiteMemory

Writer = Callable[[Path], None]

_DOCS = "docs/"
_SEAL = frozenset({SUMS, ROOT_FILE})
"""Files that are there as soon as a site is sealed."""


class Reuse:
    """A render of a site after another one; `fresh` where nothing of that may be used."""

    def __init__(self, memory: SiteMemory, renderer: str, *, fresh: bool = False) -> None:
        self.renderer = renderer
        self.fresh = fresh
        self.compiled = CompiledTemplates(memory.templates)
        self._before = memory
        self._files: dict[str, MadeFile] = {}
        self._sources: dict[str, str] = {}
        self._pages: dict[str, MadeFile] = {}
        self._settings = ""
        self._changed: dict[str, bytes] = {}
        self._old_files: frozenset[str] = frozenset()
        self._whole = False
        self.named: dict[str, str] = {}
        """By the addresses of pages that are kept, and in the end of all, the digests of what they name for styles."""

    def write(self, path: str, key: str, place: Path, write: Writer) -> None:
        """Have a file of the build folder at its place, made from what `key` is the digest of; without one, anew."""
        known = self._before.files.get(path)
        kept = key and known and known.made_from == key and _sum(place) == known.sha256
        if not kept:
            write(place)
        if key or path.endswith(".md"):
            found = known.sha256 if known and kept else _sum(place) or ""
            if key:
                self._files[path] = MadeFile(key, found)
            if path.endswith(".md"):
                self._sources[path.removeprefix(_DOCS)] = found

    def keep_pages(self, site: OwnedFolder, built: Path, settings: str) -> bool:
        """Put the pages of the old site that are those of the new one where it is built; whether there are any.

        `settings` are what all pages depend on. Raises RenderError where they cannot be written.
        """
        self._settings = hashlib.sha256("\n".join([settings, *sorted(self._sources)]).encode()).hexdigest()
        if self._settings != self._before.settings or not self._before.root:
            return False
        for source, digest in self._sources.items():
            page = _page(source)
            content = self._old_page(site, page)
            if content is None:
                continue
            if self._before.pages[page].made_from == digest:
                _put(built / page, content)
                self.named[page] = self._before.pages[page].named
            else:
                self._changed[page] = content
        self._whole = len(self.named) + len(self._changed) == len(self._sources)
        self._old_files = frozenset(site.files)
        return bool(self.named)

    def _old_page(self, site: OwnedFolder, page: str) -> bytes | None:
        """Return a page of the old site as it was before that was sealed; None where it is not as it was written."""
        known = self._before.pages.get(page)
        if known is None or page not in site.files:
            return None
        try:
            sealed = inside(site.folder, page).read_bytes()
        except (OSError, StoreError):
            return None
        content = sealed.replace(self._before.root.encode(), UNSEALED.encode())
        return content if hashlib.sha256(content).hexdigest() == known.sha256 else None

    def linked(self, built: Path) -> frozenset[str] | None:
        """Return the pages whose links are to be looked at in a site that was built, or None for all of them.

        The links of pages that were kept led somewhere, and they still do where no file has gone and no page has lost
        a part.
        """
        if not self.named or not self._whole or any(not (built / path).is_file() for path in self._old_files - _SEAL):
            return None
        kept_parts = (
            parts_of(old.decode()) <= parts_of((built / page).read_text("utf-8")) for page, old in self._changed.items()
        )
        return frozenset(self._changed) if all(kept_parts) else None

    def note_pages(self, built: Path) -> None:
        """Note the pages of a site that is whole but for its seal."""
        for source, digest in self._sources.items():
            page = _page(source)
            self._pages[page] = MadeFile(digest, _sum(built / page) or "", self.named.get(page, ""))

    def remember(self, report: Report, site: Path, root: str) -> None:
        """Remember what was made for the next render, of a site that is at its place."""
        documents = {
            digest
            for model in report.models
            for name, digest in model.store.seen.digests.items()
            if PurePosixPath(name).stem not in model.manifest.damaged
        }
        SiteMemory(
            self.renderer,
            self._settings,
            root,
            frozenset(documents),
            self._files,
            self._pages,
            report.known.now,
            self.compiled.kept,
        ).keep(site)


def _page(source: str) -> str:
    return f"{source.removesuffix('.md')}.html"


def _sum(path: Path) -> str | None:
    """Return the digest of a regular file; None where there is none."""
    try:
        return file_digest(path)
    except OSError:
        return None


def _put(path: Path, content: bytes) -> None:
    """Write a page that is newer than every source: mkdocs then leaves it as it is."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    except OSError as error:
        raise RenderError(describe_os_error(error, path)) from error
