"""Computing runs and rendering them as one site."""

from __future__ import annotations

import time
from collections.abc import Sequence

from reportgen.commands.compute import compute
from reportgen.commands.render import render
from reportgen.config.options import BuildOptions
from reportgen.errors import speaking
from reportgen.given import given_as
from reportgen.progress import SILENT, Progress, observer
from reportgen.records.files import check_writable
from reportgen.runner.summary import Summary
from reportgen.site import check_site
from reportgen.wording import BUILD_OPTIONS


@speaking(BUILD_OPTIONS)
def build(
    options: BuildOptions, *, command: Sequence[str] = (), progress: Progress | bool = SILENT, debug: bool = False
) -> Summary:
    """Compute the runs of all models and render them as one site; see `compute` and `render`."""
    given_as(options, BuildOptions, "What is asked of a build")
    progress = observer(progress)
    started = time.perf_counter()
    check_site([options.runs], options.site)
    check_writable(options.site)
    summary = compute(options, command=command, progress=progress, debug=debug)
    runs = [model.folder for model in summary.models]
    summary.site = render(
        runs, options.site, select=options.select, arrows=options.arrows, media=options.media, progress=progress
    )
    summary.seconds = time.perf_counter() - started
    return summary
