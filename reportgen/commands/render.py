"""Rendering computed runs as a site."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

from reportgen.config.forms import MediaAmount
from reportgen.given import given_path, given_words, some_paths
from reportgen.pages.known_parts import KnownParts
from reportgen.pages.report import Extras, Report
from reportgen.progress import SILENT, Progress, observer
from reportgen.records.finding import find_runs
from reportgen.site import build_folder, check_site, renderer_digest, write_site
from reportgen.site_memory import SiteMemory
from reportgen.site_publishing import finish_publishing
from reportgen.site_reuse import Reuse
from reportgen.uncollected import uncollected


@uncollected()
def render(
    runs: str | Path | Iterable[str | Path] = "runs",
    site: str | Path = "site",
    *,
    select: str | Sequence[str] = (),
    arrows: bool = False,
    media: MediaAmount = "standard",
    build_dir: str | Path | None = None,
    fresh: bool = False,
    progress: Progress | bool = SILENT,
) -> Path:
    """Render runs as a site in the folder `site` and return its ``index.html``.

    `runs` is one run's folder, a folder of runs, or several of either. With `select`, globs over identities
    (``i3d/s3*``, ``i3d/conv1/0042``), the report has only what they select, and every page says so. With `arrows`
    motion is shown by sparse arrows too, not by colour alone. The site carries what its pages show; with the `media`
    of ``full`` every file of the runs, and each clip as GIF and MP4 and each picture as PNG too. Other people's files
    in the site stay.

    The intermediate Markdown and ``mkdocs.yml`` stay in `build_dir`, by default a folder of the site's own in
    ``build``: many reports may be built at once. Whoever renders a site that another process is writing waits for it.
    Nothing is done when neither the runs, nor the templates, nor the program have changed since the last time, and
    where one kernel's record has changed, the files of other layers are kept if they are as they were written: the site
    is byte for byte that of a whole render. With `fresh`, all is made anew. What is remembered for that lies in the
    user's cache folder (``$REPORTGEN_CACHE``, or ``reportgen/sites`` in the platform's). Raises
    OptionError when runs, site and `build_dir` lie in one another, StoreError when there are no runs or one of them is
    damaged or reaches outside its folder, RenderError when the site cannot be built or `site` holds files that are not
    a report's, EmptySelectionError when `select` matches nothing; the old site is then as it was.
    """
    progress = observer(progress)
    site = given_path(site)
    build_dir = given_path(build_dir) if build_dir is not None else build_folder(site)
    finish_publishing(site, build_dir, progress)
    folders = some_paths(runs, "runs")
    stores = [store for folder in folders for store in find_runs(folder)]
    check_site([*folders, *(store.folder for store in stores)], site, build_dir=build_dir)
    renderer = renderer_digest()
    memory = SiteMemory() if fresh else SiteMemory.of(site, renderer)
    for store in stores:
        store.seen.known = memory.documents
    known = KnownParts(memory.parts)
    report = Report.of(stores, given_words(select), Extras(arrows=arrows, media=media == "full"), known)
    for model in report.models:
        if model.manifest.trouble:
            progress.note(f"{model.title}: {model.manifest.trouble}; its pages say which.")
    return write_site(report, site, build_dir, progress, reuse=Reuse(memory, renderer, fresh=fresh))
