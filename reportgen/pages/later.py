"""What a page shows, not made where an earlier render made it from the same and its file is kept."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache, partial
from typing import Any

from reportgen.outputs.model import LaterTable, ReportBlock, Table
from reportgen.pages.known_parts import KnownParts
from reportgen.records.jobs import content_digest


@dataclass(frozen=True)
class PageContent:
    """What a page's template is told, the tables and figures that it holds, and what search engines show of it."""

    context: Mapping[str, Any]
    blocks: tuple[ReportBlock, ...] = ()
    description: str = ""


@dataclass(frozen=True)
class _LaterContext(Mapping[str, Any]):
    """What a template is told, made when it is first asked for."""

    make: Callable[[], PageContent] = field(repr=False)

    def __getitem__(self, name: str) -> Any:
        return self.make().context[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self.make().context)

    def __len__(self) -> int:
        return len(self.make().context)


def content_once_needed(known: KnownParts, key: str, make: Callable[[], PageContent]) -> PageContent:
    """Return the content of a page, made at once unless an earlier render made it.

    `key` is the digest of the page's address and of what its content is made from; without one it is made. Of what an
    earlier render made, the names and titles of the blocks and the description are known, which files beside the page
    depend on; a figure among the blocks is there as the table of its data.
    """
    made = cache(make)
    told = known.part(content_digest(["content", key]) if key else "", lambda: _told(made()))
    if made.cache_info().currsize:
        return made()
    titles = zip(told["names"], told["titles"], strict=True)
    blocks = tuple(LaterTable(name, title, partial(_table, made, place)) for place, (name, title) in enumerate(titles))
    return PageContent(_LaterContext(made), blocks, told["description"][0])


def _told(content: PageContent) -> dict[str, list[str]]:
    names, titles = [block.name for block in content.blocks], [block.title for block in content.blocks]
    return {"names": names, "titles": titles, "description": [content.description]}


def _table(make: Callable[[], PageContent], place: int) -> Table:
    block = make().blocks[place]
    return block if isinstance(block, Table) else block.table()
