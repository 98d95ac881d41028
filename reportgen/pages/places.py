"""Where links may lead: the pages of a site and their parts, decided before the first page is written.

A page that may be missing, or a part that a cap may leave out, is linked through `PageAddresses` and by nothing else:
templates ask ``link(target, words)``, which writes the words alone where there is no such place.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from reportgen.pages.page import Page


@dataclass(frozen=True)
class PageAddresses:
    """The addresses of all pages, ``page#part`` for every part that a page declares, and of the files beside them."""

    known: frozenset[str] = frozenset()
    files: frozenset[str] = frozenset()

    @classmethod
    def of(cls, pages: Iterable[Page], files: Iterable[str] = ()) -> PageAddresses:
        """Return the places of a site's pages, and of other files of it that are linked to be taken away."""
        known = frozenset(place for page in pages for place in (page.uri, *(f"{page.uri}#{p}" for p in page.parts)))
        return cls(known, frozenset(files))

    def has(self, target: str) -> bool:
        """Return whether `target`, an address with or without ``#part``, leads somewhere."""
        return target in self.known or target in self.files
