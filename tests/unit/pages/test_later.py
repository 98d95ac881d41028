"""A page that an earlier render made from the same is not made, and is made whole where it is asked for."""

from __future__ import annotations

from reportgen.outputs.charts import Histogram
from reportgen.outputs.model import Column, ReportFigure, Table
from reportgen.pages.known_parts import KnownParts
from reportgen.pages.later import PageContent, content_once_needed

TABLE = Table("kernels", "All kernels", (Column("Kernel"),), (("#1",),))
FIGURE = ReportFigure("speeds", Histogram([1.0, 2.0, 2.5], "px/frame"), "Speeds")


class Maker:
    """Makes the content, and counts how often."""

    def __init__(self) -> None:
        self.times = 0

    def __call__(self) -> PageContent:
        """Return the content."""
        self.times += 1
        return PageContent({"title": "a", "rows": 2}, (TABLE, FIGURE), "What it found.")


def test_what_nobody_made_before_is_made() -> None:
    known, make = KnownParts(), Maker()
    for key in ("", "digest"):
        assert content_once_needed(known, key, make).blocks == (TABLE, FIGURE)
    assert make.times == 2
    assert len(known.now) == 1, "without a digest nothing is known of it"


def test_what_was_made_before_is_made_once_when_it_is_asked_for() -> None:
    known, make = KnownParts(), Maker()
    first = content_once_needed(known, "digest", make)
    later, make = KnownParts(known.now), Maker()
    found = content_once_needed(later, "digest", make)
    assert [(block.name, block.title) for block in found.blocks] == [("kernels", "All kernels"), ("speeds", "Speeds")]
    assert found.description == "What it found."
    assert make.times == 0
    assert dict(found.context) == dict(first.context)
    tables = [block for block in found.blocks if isinstance(block, Table)]
    assert [(table.columns, table.rows) for table in tables] == [
        (TABLE.columns, TABLE.rows),
        (FIGURE.table().columns, FIGURE.table().rows),
    ]
    assert make.times == 1
    assert later.now == known.now, "and the next render knows it too"
    assert content_once_needed(later, "another digest", make).blocks == (TABLE, FIGURE)
