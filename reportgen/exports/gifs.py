"""Every visualised kernel as GIFs, under the names of the published 3D Kernel Visualizer."""

from __future__ import annotations

from collections.abc import Container
from pathlib import Path, PurePosixPath

from reportgen.errors import RenderError
from reportgen.exports.base import ExportRequest
from reportgen.pages.page import Export
from reportgen.records.paths import inside
from reportgen.site_files import write_asset


class PublishedGifs:
    """A folder of ``{model}_{layer}_{kernel}_{stage1|deform|recon}.gif``."""

    name = "gifs"
    suffix = ""
    summary = "each visualised kernel as GIFs: {model}_{layer}_{kernel}_{stage1|deform|recon}.gif"

    def write(self, request: ExportRequest, target: Path) -> None:
        """Write three GIFs a kernel: its synthetic clip, its texture beside its motion, and both put together."""
        found: dict[str, Export] = {}
        for export in (export for model in request.report.models for export in model.published_gifs()):
            found[_free_name(PurePosixPath(export.uri), found)] = export
        if not found:
            raise RenderError(
                "No kernels were visualised in these runs: compute them with the analyses kernels and decomposition."
            )
        with request.progress.task("Writing GIFs", len(found)) as task:
            for name, export in found.items():
                write_asset(export, inside(target, name))
                task.advance()


def _free_name(path: PurePosixPath, taken: Container[str]) -> str:
    """Return a file's published name; the same one of another network or layer gets a number before its type."""
    name, number = path.name, 1
    while name in taken:
        number += 1
        stem, _, kind = path.name.rpartition("_")
        name = f"{stem}-{number}_{kind}"
    return name
