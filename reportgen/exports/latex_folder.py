"""The summary as LaTeX: a folder of tables, figures and references, and a minimal paper that shows them."""

from __future__ import annotations

from functools import cache, cached_property
from pathlib import Path

from reportgen.exports.base import ExportRequest
from reportgen.exports.pdf import DrawingPrinter, check_installed, weasyprint
from reportgen.media.encode import png_bytes
from reportgen.outputs.latex.paper import LatexFolder
from reportgen.outputs.paper.draw import Drawing
from reportgen.outputs.paper.pictures import strip_pixels
from reportgen.pages.report import Report
from reportgen.records.paths import inside
from reportgen.summary.document import summary_of
from reportgen.summary.references import bibliography


class LatexFragments:
    """A folder for a paper."""

    name = "latex"
    suffix = ""
    summary = "the summary's tables and figures as LaTeX, with references and a minimal paper"

    def write(self, request: ExportRequest, target: Path) -> None:
        """Write the fragments, their figures, ``references.bib`` and ``main.tex``."""
        check_installed()
        # What takes time is drawn while mkdocs works; afterwards only the text is written, which names the root digest.
        drawn = DrawnOnce()
        request.meanwhile.append(lambda: latex_files(request.report, drawn))
        root = request.root
        with request.progress.task("Writing LaTeX", 1) as task:
            for path, content in latex_files(request.report, drawn, root).items():
                place = inside(target, path)
                place.parent.mkdir(parents=True, exist_ok=True)
                place.write_bytes(content)
            task.advance()


class DrawnOnce:
    """The pictures of a folder, each made once however often its text is written."""

    def __init__(self) -> None:
        self.printed = cache(self._print)
        self.seen = cache(lambda strip: png_bytes(strip_pixels(strip)))

    def _print(self, drawing: Drawing) -> bytes:
        return self._printer(drawing)

    @cached_property
    def _printer(self) -> DrawingPrinter:
        return DrawingPrinter(weasyprint())


def latex_files(report: Report, drawn: DrawnOnce, root_digest: str | None = None) -> dict[str, bytes]:
    """Return the files of the folder by their path."""
    folder = LatexFolder(drawn.printed, drawn.seen, bibliography(report, root_digest))
    return folder.write(summary_of(report, root_digest))
