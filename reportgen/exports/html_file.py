"""One file of HTML that needs no other: the summary, or one page of the site with all that it shows."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import urlsplit

from reportgen.errors import OptionError, unknown_name
from reportgen.exports.base import ExportRequest
from reportgen.exports.inlined import inlined_page
from reportgen.outputs.paper.write import summary_html
from reportgen.records.files import write_text
from reportgen.summary.document import summary_of

NO_FILES = {
    "compare.html": "shows what a link names, side by side",
    "404.html": "says that a page does not exist",
}
"""Pages that are nothing without the others, and what they do."""


class HtmlFile:
    """One file that a browser opens from anywhere."""

    name = "html"
    suffix = ".html"
    summary = "the summary, or with --page one page of the site, as one file"

    def write(self, request: ExportRequest, target: Path) -> None:
        """Write the summary, or the page that is asked for."""
        with request.progress.task("Writing the file", 1) as task:
            if request.page:
                page = site_page(request.site, request.page)
                write_text(target, inlined_page(request.site, page, request.link))
            else:
                write_text(target, summary_html(summary_of(request.report, request.root), request.link))
            task.advance()


def site_page(site: Path, address: str) -> str:
    """Return the page of a site that an address means, such as ``i3d/audit.html``; with or without its ending.

    Raises UnknownNameError with the nearest pages, and OptionError for a page that is nothing without the others.
    """
    path = urlsplit(address).path.strip("/")
    pages = sorted(found.relative_to(site).as_posix() for found in site.rglob("*.html"))
    stem = path.removesuffix(".md").removesuffix(".html")
    for name in (path, f"{stem}.html", f"{stem}/index.html" if stem else "index.html"):
        if name in NO_FILES:
            raise OptionError(f"{name} {NO_FILES[name]}, and is no page of its own: choose another one.")
        if name in pages:
            return name
    hint = "An address is what stands behind the site's folder, such as index.html."
    raise unknown_name("page of the site", address, [name for name in pages if name not in NO_FILES], hint=hint)
