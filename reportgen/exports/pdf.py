"""The summary as PDF: real text, bookmarks, alternative texts, fonts embedded, and nothing of the machine.

WeasyPrint makes it, and not a browser without a window: its PDF is the same from the same report, byte by byte, and
holds no date.
"""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path
from typing import Any

from reportgen.errors import RenderError
from reportgen.exports.base import ExportRequest
from reportgen.outputs.paper.draw import Drawing
from reportgen.outputs.paper.write import drawing_html, font_faces, summary_html
from reportgen.summary.document import summary_of

MISSING = (
    "A PDF is made by WeasyPrint, which is not installed here{why}: pip install 'reportgen-conv3d[pdf]'"
    " (on Debian also: apt-get install libpango-1.0-0 libpangoft2-1.0-0). The formats html, zip and csv work without."
)


class Pdf:
    """A PDF of a few pages."""

    name = "pdf"
    suffix = ".pdf"
    summary = "the summary as 4 to 12 pages"

    def write(self, request: ExportRequest, target: Path) -> None:
        """Write the summary as PDF."""
        check_installed()
        request.meanwhile.append(weasyprint)  # importing it takes time while mkdocs works
        root, printer = request.root, weasyprint()
        with request.progress.task("Writing the PDF", 1) as task:
            html = summary_html(summary_of(request.report, root), request.link)
            target.write_bytes(printed_html(printer, html))
            task.advance()


def check_installed() -> None:
    """Raise RenderError, before any work, where WeasyPrint is not installed."""
    if find_spec("weasyprint") is None:
        raise RenderError(MISSING.format(why=""))


def weasyprint() -> Any:
    """Return the module; raises RenderError with what to install where it, or a library that it needs, is missing.

    Importing it has Pillow take half an image for a whole one, everywhere: clips of this process would be misread.
    """
    from PIL import ImageFile

    before = ImageFile.LOAD_TRUNCATED_IMAGES
    try:
        import weasyprint as found
    except ImportError as error:
        raise RenderError(MISSING.format(why="")) from error
    except OSError as error:  # a shared library is missing
        raise RenderError(MISSING.format(why=" whole")) from error
    finally:
        ImageFile.LOAD_TRUNCATED_IMAGES = before
    return found


def printed_html(printer: Any, html: str) -> bytes:
    """Return a page of HTML as PDF; whatever it does not hold itself is not fetched."""
    return bytes(printer.HTML(string=html, url_fetcher=_nothing_fetched()).write_pdf(pdf_variant="pdf/ua-1"))


class DrawingPrinter:
    """Prints drawings, each as a PDF of its size; their fonts are read once. `printer` is WeasyPrint."""

    def __init__(self, printer: Any) -> None:
        from weasyprint.text.fonts import FontConfiguration

        self._printer = printer
        self._fonts = FontConfiguration()
        self._faces = printer.CSS(string=font_faces(), url_fetcher=_nothing_fetched(), font_config=self._fonts)

    def __call__(self, drawing: Drawing) -> bytes:
        """Return the PDF of a drawing."""
        document = self._printer.HTML(string=drawing_html(drawing), url_fetcher=_nothing_fetched())
        return bytes(document.write_pdf(stylesheets=[self._faces], font_config=self._fonts))


def _nothing_fetched() -> Any:
    from weasyprint.urls import URLFetcher

    return URLFetcher(allowed_protocols=["data"])
