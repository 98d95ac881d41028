"""Charts of a summary as SVG that stands by itself: with its styles, and with a size on paper."""

from __future__ import annotations

import re
from dataclasses import dataclass

from reportgen.bidi import without_bidi
from reportgen.outputs.model import ReportFigure
from reportgen.outputs.paper.graph import pathway_svg
from reportgen.outputs.paper.pictures import address_of, strip_address
from reportgen.outputs.pathway import Pathway
from reportgen.outputs.site.draw import draw
from reportgen.resources import templates_folder

_UNIT_MM = 182 / 720
"""mm of a chart's unit: the text of 11 units is then 7.9 pt high."""

_BEGINNING = re.compile(r"<svg ([^>]*)>")
_BOX = re.compile(r'viewBox="0 0 ([\d.]+) ([\d.]+)"')
_LINK = re.compile(r"</?a\b[^>]*>")


@dataclass(frozen=True)
class Drawing:
    """A chart: its SVG, and its width and height on paper in mm."""

    svg: str
    width: float
    height: float

    @property
    def address(self) -> str:
        """The chart as an address that holds it."""
        return address_of(self.svg.encode(), "image/svg+xml")


def drawing(figure: ReportFigure) -> Drawing:
    """Return a figure's chart as a drawing; it is that of the site, in the colours of paper."""
    if isinstance(figure.chart, Pathway):
        svg = str(pathway_svg(figure.chart, figure.alt, strip_address))
    else:
        svg = _LINK.sub("", str(draw(figure, lambda _: "")))
    box = _BOX.search(svg)
    if box is None:
        raise ValueError(f"{figure.name} was drawn without a size")
    width, height = float(box[1]), float(box[2])
    styles = (templates_folder() / "paper" / "charts.css").read_text(encoding="utf-8")
    svg = _BEGINNING.sub(
        lambda found: (
            f'<svg xmlns="http://www.w3.org/2000/svg" {found[1].replace(_NAMESPACE, "")} '
            f'width="{width * _UNIT_MM:.1f}mm" height="{height * _UNIT_MM:.1f}mm"><style>{styles}</style>'
        ),
        svg,
        count=1,
    )
    return Drawing(without_bidi(svg), round(width * _UNIT_MM, 1), round(height * _UNIT_MM, 1))


_NAMESPACE = 'xmlns="http://www.w3.org/2000/svg" '
