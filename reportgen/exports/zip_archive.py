"""The site as one archive, to attach to a paper: unpacked, it opens from its folder."""

from __future__ import annotations

from pathlib import Path

from reportgen.exports.archive import entry_sizes, write_archive
from reportgen.exports.base import ExportRequest
from reportgen.exports.reducing import Reduction, expected_sizes, reduced_report, steps, too_large
from reportgen.reading.format import bytes_size
from reportgen.records.root_digest import read_root
from reportgen.site import nothing


class ZipArchive:
    """The rendered site in a ZIP file of no more than the size that was asked for."""

    name = "zip"
    suffix = ".zip"
    summary = "the site as one archive that opens from its folder once unpacked"

    def write(self, request: ExportRequest, target: Path) -> None:
        """Write the site, all of whose files lie in one folder of the archive; made smaller step by step until it fits.

        Raises RenderError, with the least size, when even the least report does not fit.
        """
        write_archive(request.site, target, request.progress)
        if target.stat().st_size > request.max_size:
            _write_smaller(request, target)


def _write_smaller(request: ExportRequest, target: Path) -> None:
    """Write the first of the smaller reports that fits: those are tried that may be expected to."""
    fits = expected_sizes(request.report, request.site, entry_sizes(target), request.max_size)
    *before, least = steps(request.report)
    for number, step in enumerate([*filter(fits, before), least]):
        size = _write_reduced(request, target, step, request.scratch / f"smaller-{number}")
        if size <= request.max_size:
            request.progress.note(f"Made smaller to {bytes_size(size)}: {' '.join(step.sentences())}")
            return
    raise too_large(target.stat().st_size, request.max_size)


def _write_reduced(request: ExportRequest, target: Path, step: Reduction, folder: Path) -> int:
    """Write the archive of a smaller report, and return its size in bytes."""
    report = reduced_report(request.report, step, folder / "runs", request.progress)
    site = request.render(report, folder / "site", nothing)
    request.roots.extend(filter(None, [read_root(site)]))
    write_archive(site, target, request.progress)
    return target.stat().st_size
