"""A page of the site, and the files that it needs beside it: descriptions only, `reportgen.site` writes them."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from reportgen.outputs.model import ReportBlock, Table
from reportgen.pages.comparable import Comparable
from reportgen.records.volumes import Steps


@dataclass(frozen=True)
class CopiedFile:
    """A file of a run that the site carries unchanged."""

    uri: str
    source: Path


@dataclass(frozen=True)
class CopiedDocument:
    """A document of a run that the site carries without the white space by which a reader of the run finds his way."""

    uri: str
    source: Path


@dataclass(frozen=True)
class PackedFile:
    """A long document of a run that the site carries compressed; of the copy that a site has, as it is there."""

    uri: str
    source: Path


@dataclass(frozen=True)
class ScriptData:
    """Plain data that scripts read as ``reportData[name]``; a script and not JSON, so that file:// can load it."""

    uri: str
    name: str
    data: Any


@dataclass(frozen=True)
class MadeScript:
    """Plain data for scripts as in `ScriptData`, made when it is written: so it need not be in memory before.

    `key` is the digest of what it is made from, where that is known: the file of an earlier render may be kept.
    """

    uri: str
    name: str
    make: Callable[[], Any]
    key: str = ""


@dataclass(frozen=True)
class MotionStrip:
    """Motion fields (an npz of a run) coloured with the scale of the page that shows them, in px/frame.

    With `arrows` sparse ones stand on the colours.
    """

    uri: str
    source: Path
    max_speed: float
    arrows: bool = False


@dataclass(frozen=True)
class VolumeScript:
    """A layer's maps (an npz of a run) as one picture in a script, which WebGL may read where the page is a file.

    Scripts read `data` as ``reportData[name]``, and with it ``picture`` (the maps as bytes, tile beside tile),
    ``columns`` and the size of what `steps` leave of maps of `shape` `K T H W`.
    """

    uri: str
    name: str
    source: Path
    shape: tuple[int, int, int, int]
    steps: Steps
    data: Mapping[str, Any]


@dataclass(frozen=True)
class FilterVolumes:
    """Filters of a layer for a script: the array `layer` of an npz of a run, `F C taps`, of `shape`.

    Of their input channels `channels` are shown, as bytes of both signs whose scale ends at `scale`; see
    `reportgen.records.volumes.signed_levels`. `data` are facts beside them.
    """

    source: Path
    layer: str
    shape: tuple[int, ...]
    channels: tuple[int, ...]
    scale: float
    data: Mapping[str, Any]

    @property
    def taps(self) -> tuple[int, int, int]:
        """Taps in time, height and width; axes that the layer has not are 1."""
        own = self.shape[2:]
        time, height, width = (*(1,) * (3 - len(own)), *own)
        return time, height, width

    @property
    def values(self) -> int:
        """How many are shown."""
        return self.shape[0] * len(self.channels) * math.prod(self.taps)


@dataclass(frozen=True)
class FiltersScript:
    """Filters of several layers in a script, which reads them as ``reportData[name]``.

    ``volumes`` are `data` of each with ``channels``, ``taps`` and ``levels`` (bytes F C T H W as base64), ``colours``
    the 256 colours of the levels, ``zero`` the level of zero.
    """

    uri: str
    name: str
    volumes: tuple[FilterVolumes, ...]


@dataclass(frozen=True)
class ColourWheel:
    """The legend of motion colours."""

    uri: str


@dataclass(frozen=True)
class SpriteFile:
    """A picture of a run, or the frames of a clip side by side; height and width are those of a frame."""

    path: Path
    frames: int
    height: int
    width: int


@dataclass(frozen=True)
class Export:
    """Clips or pictures of a run side by side, as GIF, MP4 or PNG: the address ends in the format."""

    uri: str
    sources: tuple[SpriteFile, ...]


@dataclass(frozen=True)
class SocialCard:
    """The picture that other sites show beside a link to the report; `key` is the digest of what it is drawn from."""

    uri: str
    title: str
    sentence: str
    pictures: tuple[SpriteFile, ...]
    key: str = ""


@dataclass(frozen=True)
class DataFile:
    """The data of a table or chart as CSV; `key` is that of the page that shows it."""

    uri: str
    table: Table
    key: str = ""


@dataclass(frozen=True)
class PlainText:
    """A file of plain text."""

    uri: str
    text: str


Copied = CopiedFile | CopiedDocument | PackedFile
Script = ScriptData | MadeScript | VolumeScript | FiltersScript
Asset = DataFile | PlainText | SocialCard | Copied | Script | MotionStrip | ColourWheel | Export


@dataclass(frozen=True)
class Found:
    """How the finder knows a page: its name there, what it is, more words that find it, and a picture's address.

    `in_list` is said of a kernel's page, which is found in the list of all kernels instead.
    """

    title: str
    what: str
    words: str = ""
    picture: str = ""
    in_list: bool = False


@dataclass(frozen=True)
class Page:
    """One page: `uri` (posix, relative, ``.md``), what its template is told, and from which records that came.

    `nav` is the section of the navigation that lists the page, `()` the top; None keeps the page out of it.
    `wide` pages have no table of contents. `finder` is its entry in the finder, None for a page that has none, and
    `also_found` are entries of its own for some parts.
    `blocks` are the tables and figures that it holds, in their order: the data of each lies beside the page as CSV.
    `compared` is its subject as it stands beside others, None for a page that cannot.
    `description` is what a search engine shows of it; the title where it is empty.
    `parts` are the anchors that depend on the data: what links to one asks whether it is there (`pages.places`).
    `key` is the digest of what the page is made from but for where links may lead, where that is known.
    """

    uri: str
    title: str
    template: str
    context: Mapping[str, Any]
    sources: tuple[str, ...] = ()
    assets: tuple[Asset, ...] = ()
    nav: tuple[str, ...] | None = None
    nav_title: str = ""
    wide: bool = False
    finder: Found | None = None
    parts: tuple[str, ...] = ()
    also_found: tuple[tuple[str, Found], ...] = ()
    blocks: tuple[ReportBlock, ...] = ()
    description: str = ""
    compared: Comparable | None = None
    key: str = ""

    def __post_init__(self) -> None:
        """Raise ValueError when two blocks have one name: their data would be one file."""
        if len(self.data_names) < len(self.blocks):
            raise ValueError(f"{self.uri} names two blocks alike")

    @property
    def data_names(self) -> frozenset[str]:
        """The names of the blocks."""
        return frozenset(block.name for block in self.blocks)
