"""The neutral model of what a report holds: prose, tables, pictures, figures, with no word of how they are written.

Pages say what they hold in these terms; each writer, the site's and those of other formats, decides how it looks. A
column's `form` says how a number is told, which is the same everywhere; its unit stands in the header.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, Protocol

from reportgen.audit.verdicts import State

Amount = int | float | None
_Figures = Literal["number", "fixed", "fixed1", "percent", "percent1", "count", "duration"]
_Words = Literal["text", "symbols", "state", "code", "digest"]
Form = _Figures | _Words
"""How a cell is told: 3 digits that matter, 2 or 1 decimals, a share in per cent, a count, seconds as a time span;
words, words with symbols between asterisks, a verdict, code, a digest in hexadecimal."""
STATE_WORDS: dict[str, str] = {"pass": "pass", "warn": "warn", "fail": "fail", "untested": "not tested"}
"""How a verdict reads."""


@dataclass(frozen=True)
class Reference:
    """Words that lead to an address of the report, where it has such a page; an empty address leads nowhere.

    `rank` is what sorts the rows by them; without one their words do. `anchor`, where there is one, is the part of the
    page by which others link to the row that begins with it.
    """

    words: str
    address: str = ""
    rank: int | None = None
    anchor: str = ""


@dataclass(frozen=True)
class References:
    """Several references in one cell."""

    parts: tuple[Reference, ...]

    @property
    def words(self) -> str:
        """All of their words; a dash where there are none."""
        return ", ".join(part.words for part in self.parts) or "–"


Cell = str | int | float | None | Reference | References | tuple[Amount, ...]


@dataclass(frozen=True)
class Column:
    """A column: what it tells, in which unit, and how.

    A column with `parts` holds several numbers in one cell, such as an interval: `joined` stands between them, and
    what sorts the rows is the one at `leading`. Where numbers are read by a program each part is a column.
    """

    name: str
    form: Form = "text"
    unit: str = ""
    parts: tuple[str, ...] = ()
    joined: str = " to "
    leading: int = 0

    @property
    def numeric(self) -> bool:
        """Whether it holds numbers."""
        return self.form not in ("text", "symbols", "state", "code", "digest")

    @property
    def header(self) -> str:
        """The name with its unit."""
        return f"{self.name}, {self.unit}" if self.unit else self.name


@dataclass(frozen=True)
class Table:
    """Rows of cells under columns; `name` is unique on its page and part of addresses.

    `left_out` more rows are not in it, but in what `left_where` names.
    """

    name: str
    title: str
    columns: tuple[Column, ...]
    rows: tuple[tuple[Cell, ...], ...]
    caption: str = ""
    left_out: int = 0
    left_where: str = ""

    def __post_init__(self) -> None:
        """Raise ValueError for a row that has another number of cells than there are columns."""
        for row in self.rows:
            if len(row) != len(self.columns):
                raise ValueError(f"{self.name}: a row of {len(row)} cells under {len(self.columns)} columns")


class LaterTable(Table):
    """A table whose columns and rows are made when one of them is first asked for."""

    def __init__(self, name: str, title: str, make: Callable[[], Table]) -> None:
        self.__dict__.update(name=name, title=title, _make=make)

    def __getattr__(self, name: str) -> Any:
        """Make what is not there yet."""
        if name not in ("columns", "rows"):
            raise AttributeError(name)
        found = self.__dict__["_make"]()
        self.__dict__.update(columns=found.columns, rows=found.rows)
        return self.__dict__[name]


class Chart(Protocol):
    """What a figure draws: data, which can be told as a table too."""

    def table(self) -> tuple[tuple[Column, ...], tuple[tuple[Cell, ...], ...]]:
        """Return its data as columns and rows."""
        ...


@dataclass(frozen=True)
class ReportFigure:
    """A chart: `alt` says what is seen to whoever does not see it, `caption` what it shows."""

    name: str
    chart: Chart
    alt: str
    caption: str = ""

    @property
    def title(self) -> str:
        """What a list of figures calls it."""
        return self.alt

    def table(self) -> Table:
        """Return its data as a table of the same name."""
        return Table(self.name, self.alt, *self.chart.table(), caption=self.caption)


@dataclass(frozen=True)
class Prose:
    """A paragraph; a `lead` stands first and large, a `caption` explains what stands beside it, a `warning` warns."""

    text: str
    kind: Literal["text", "lead", "caption", "warning"] = "text"


@dataclass(frozen=True)
class FactList:
    """Names with their values."""

    name: str
    rows: tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class FrameStrip:
    """Frames of a clip side by side, or a still picture: those numbered `shown` of a sprite of a run.

    The sprite `source` holds `frames` of `height` x `width` px (see `reportgen.media`). Colours are faded towards
    white, to the share `fade` of their distance from it.
    """

    source: Path
    frames: int
    height: int
    width: int
    shown: tuple[int, ...]
    alt: str
    fade: float = 1.0

    @property
    def aspect(self) -> float:
        """Width by height of all frames that are shown."""
        return len(self.shown) * self.width / self.height


@dataclass(frozen=True)
class Statement:
    """A sentence with its verdict, the address of its evidence, and what is seen of it."""

    title: str
    state: State
    text: str
    address: str = ""
    picture: FrameStrip | None = None


@dataclass(frozen=True)
class PictureRow:
    """A row of pictures: what they show, in words, and one for each column; `group` heads the rows that have it."""

    title: str
    text: str
    pictures: tuple[FrameStrip | None, ...]
    group: str = ""
    address: str = ""


@dataclass(frozen=True)
class PictureTable:
    """Rows of pictures under `heads`; `left_out` more rows are not in it, but in what `left_where` names."""

    name: str
    title: str
    heads: tuple[str, ...]
    rows: tuple[PictureRow, ...]
    caption: str = ""
    left_out: int = 0
    left_where: str = ""

    def __post_init__(self) -> None:
        """Raise ValueError for a row that has another number of pictures than there are columns."""
        for row in self.rows:
            if len(row.pictures) != len(self.heads):
                raise ValueError(f"{self.name}: a row of {len(row.pictures)} pictures under {len(self.heads)} heads")


ReportBlock = Table | ReportFigure
DocumentBlock = ReportBlock | Prose | FactList | Statement | PictureTable


@dataclass(frozen=True)
class Section:
    """A part of the report: its address in the site, its title, what it holds, and its own parts."""

    address: str
    title: str
    blocks: tuple[DocumentBlock, ...] = ()
    parts: tuple[Section, ...] = ()

    def data(self) -> Iterator[Table]:
        """Yield the data of each block that is data."""
        for block in self.blocks:
            if isinstance(block, Table):
                yield block
            elif isinstance(block, ReportFigure):
                yield block.table()
        for part in self.parts:
            yield from part.data()


@dataclass(frozen=True)
class ReportDocument:
    """A whole report; `subtitle` says of when and by what it is, and `description` in a sentence what it found."""

    title: str
    sections: tuple[Section, ...] = ()
    subtitle: str = ""
    description: str = ""


def data_address(page: str, name: str) -> str:
    """Return where the data of a page's block lies as CSV; `page` is the page's address, ending in ``.md``."""
    return f"{page.removesuffix('.md')}.{name}.csv"


def columns(*names: str | Column) -> tuple[Column, ...]:
    """Return columns; a bare name is one of words."""
    return tuple(name if isinstance(name, Column) else Column(name) for name in names)


def rows(found: Iterable[Sequence[Cell]]) -> tuple[tuple[Cell, ...], ...]:
    """Return rows as a table holds them."""
    return tuple(tuple(row) for row in found)
