"""The site as one archive, to attach to a paper: unpacked, it opens from its folder."""

from __future__ import annotations

from pathlib import Path

from reportgen.exports.archive import write_archive
from reportgen.exports.base import ExportRequest


class ZipArchive:
    """The rendered site in a ZIP file of no more than the size that was asked for."""

    name = "zip"
    suffix = ".zip"
    summary = "the site as one archive that opens from its folder once unpacked"

    def write(self, request: ExportRequest, target: Path) -> None:
        """Write the site, all of whose files lie in one folder of the archive."""
        write_archive(request.site, target, request.progress)
