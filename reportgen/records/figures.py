"""What an analysis returns to be shown: typed arrays and graphs, before anything is encoded.

Analyses make figures, `reportgen.media` turns each kind into files. numpy only.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from numpy.typing import NDArray

from reportgen.records.answers.base import Answer

Array = NDArray[Any]


@dataclass(frozen=True)
class ClipFigure:
    """A clip: `frames` T H W C float in [0, 1] RGB. One that all else is seen beside is kept `fine`."""

    frames: Array
    caption: str = ""
    fine: bool = False


@dataclass(frozen=True)
class PreviewFigure:
    """A clip that stands among many others, small and only nearly exact: `frames` T H W C float in [0, 1] RGB."""

    frames: Array
    caption: str = ""


@dataclass(frozen=True)
class ImageFigure:
    """A picture: `pixels` H W C float in [0, 1] RGB."""

    pixels: Array
    caption: str = ""


@dataclass(frozen=True)
class MotionFigure:
    """Forward motion per frame: `motion` T 2 H W in px/frame as (dx right, dy down); `evidence` T H W bool."""

    motion: Array
    evidence: Array
    max_speed: float
    caption: str = ""


@dataclass(frozen=True)
class HeatFigure:
    """A map over a clip: `heat` T H W, `over` T H W C the clip; `signed` maps are centred at zero.

    `scale` is the value that the colour map's end stands for; `alone` asks for a second clip of the map without it.
    """

    heat: Array
    over: Array
    signed: bool
    scale: float
    caption: str = ""
    alone: bool = False


@dataclass(frozen=True)
class MapFigure:
    """A map alone: `heat` T H W, coloured up to `scale` > 0; `signed` maps are centred at zero."""

    heat: Array
    signed: bool
    scale: float
    caption: str = ""


@dataclass(frozen=True)
class StackFigure:
    """A map over a clip as one picture, its frames one behind the other: `heat` T H W, `over` T H W C, `scale` > 0."""

    heat: Array
    over: Array
    scale: float
    caption: str = ""
    signed: bool = False


@dataclass(frozen=True)
class FiltersFigure:
    """Volumes of filters as small multiples: `volumes` F C T H W, coloured about zero up to `scale` > 0."""

    volumes: Array
    scale: float
    caption: str = ""


@dataclass(frozen=True)
class NrrdFigure:
    """Values for programs that show volumes: `axes` names them from the last axis to the first, the last are lists."""

    values: Array
    axes: tuple[str, ...]
    listed: int = 0
    caption: str = ""


@dataclass(frozen=True)
class TilesFigure:
    """One figure for each filter as a picture of tiles, row by row: `values` K, coloured from minimum to maximum."""

    values: Array
    caption: str = ""


@dataclass(frozen=True)
class RowFigure:
    """Still pictures side by side as one, each H W C float in [0, 1] RGB.

    They are made `height` px high, or as high as the first one.
    """

    pictures: Sequence[Array]
    caption: str = ""
    height: int | None = None


@dataclass(frozen=True)
class VolumeFigure:
    """A layer's maps as volumes for other programs: `maps` K T H W, one volume K H W for each frame.

    `name` is that of the files, ``L{n}_{layer}`` as CNN-VIS has it. `still` maps are those of a picture (T is 1).
    """

    maps: Array
    name: str
    still: bool = False
    caption: str = ""


@dataclass(frozen=True)
class DataFigure:
    """Arrays kept at full precision for later jobs and for download, by name."""

    arrays: Mapping[str, Array]
    caption: str = ""


@dataclass(frozen=True)
class JsonFigure:
    """A document of plain data."""

    document: Any
    caption: str = ""


@dataclass(frozen=True)
class TableFigure:
    """A table to take away, kept as CSV: a value for each of `columns` in every row."""

    columns: Sequence[str]
    rows: Sequence[Sequence[Any]]
    caption: str = ""


@dataclass(frozen=True)
class TextFigure:
    """A document in another text format; `suffix` is its file's, with the dot (.graphml, .svg)."""

    text: str
    suffix: str
    caption: str = ""


class Figure(Protocol):
    """Any kind of figure, those of this file or of others: `reportgen.media.figures.figure_files` knows its files."""

    @property
    def caption(self) -> str:
        """What it shows, in a sentence."""
        ...


@dataclass(frozen=True)
class Result:
    """What one job found: its answer, and figures by role."""

    answer: Answer
    figures: Mapping[str, Figure] = field(default_factory=dict)
    notes: Sequence[str] = ()
