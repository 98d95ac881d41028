"""The summary as LaTeX: a folder of tables, figures and references, and a minimal paper that shows them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from reportgen.exports.base import ExportRequest
from reportgen.exports.pdf import DrawingPrinter, weasyprint
from reportgen.outputs.latex.paper import LatexFolder
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
        printer = weasyprint()
        root = request.root
        with request.progress.task("Writing LaTeX", 1) as task:
            for path, content in latex_files(request.report, printer, root).items():
                place = inside(target, path)
                place.parent.mkdir(parents=True, exist_ok=True)
                place.write_bytes(content)
            task.advance()


def latex_files(report: Report, printer: Any, root_digest: str | None = None) -> dict[str, bytes]:
    """Return the files of the folder by their path; `printer` is WeasyPrint, which makes the PDF of charts."""
    folder = LatexFolder(DrawingPrinter(printer), bibliography(report, root_digest))
    return folder.write(summary_of(report, root_digest))
