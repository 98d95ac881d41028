"""From runs to a site that a browser opens: pages, configuration, mkdocs, and a check that every link leads somewhere.

No torch is needed, so that runs computed elsewhere can be rendered, again and after an edit of the templates, anywhere.
The site is built beside the user's and moved there file by file when it is whole; a manifest in each folder says what
is ours, and nothing else is ever replaced or removed.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict
from functools import partial
from importlib import metadata
from itertools import islice
from pathlib import Path

from reportgen.errors import RenderError
from reportgen.pages.layer_keys import record_told
from reportgen.pages.links import broken_links
from reportgen.pages.page import Asset
from reportgen.pages.registry import all_pages
from reportgen.pages.report import Report
from reportgen.pages.templating import Templates
from reportgen.progress import SILENT, Progress
from reportgen.records.files import write_text
from reportgen.records.lease import held
from reportgen.records.owned import OwnedFolder
from reportgen.records.places import check_apart, resolved
from reportgen.records.report_facts import REPORT_FILE, ReportFacts
from reportgen.records.root_digest import seal
from reportgen.resources import templates_folder
from reportgen.site_intermediates import CONFIGURATION, Intermediate, site_intermediates
from reportgen.site_memory import SiteMemory
from reportgen.site_mkdocs import begun_mkdocs
from reportgen.site_publishing import move_into_place, staging
from reportgen.site_reuse import Reuse
from reportgen.site_trim import trim_site
from reportgen.sources import source_digest
from reportgen.summary.repositories import repository_records
from reportgen.version import __version__

DEFAULT_SITE = Path("site")
DEFAULT_BUILD = Path("build/report")
"""Where the root's mkdocs.yml finds what the default site is made from."""

_FRONT = ("index.html", "methods.html", "404.html")
_BROKEN_SHOWN = 3


def _itself(asset: Asset) -> Asset:
    return asset


def nothing() -> None:
    """What is done while mkdocs works where nobody has anything to do."""


def write_site(
    report: Report,
    site: Path,
    build_dir: Path,
    progress: Progress = SILENT,
    instead: Callable[[Asset], Asset] = _itself,
    meanwhile: Callable[[], object] = nothing,
    reuse: Reuse | None = None,
) -> Path:
    """Write a report as a site in the folder `site`, from Markdown in `build_dir`, and return its ``index.html``.

    `instead` says what is written in the place of a file that pages need beside them; `meanwhile` is called once,
    while mkdocs works in a process of its own, or not at all where nothing is to be done. What `reuse` allows is
    taken from the render before. Whoever writes a site that another process is writing waits for it. Nothing is done
    when the site is whole and of this report, these templates and this program. Raises RenderError; the old site is
    then as it was.
    """
    # The site's own lock holds whatever folder the others work from; the build folder's, where two sites share one.
    with held(site, progress.note), held(build_dir, progress.note):
        return _render(report, site, build_dir, progress, instead, meanwhile, reuse)


def check_site(runs: Iterable[Path], site: Path, *, build_dir: Path | None = None) -> None:
    """Raise, before any work, what rendering would raise after it: OptionError, StoreError or RenderError.

    `runs` are runs' folders or folders of runs, and need not exist.
    """
    build_dir = build_dir or build_folder(site)
    check_apart(runs, site, build_dir)
    owned = OwnedFolder(site)
    owned.check_free()
    owned.check_clear(_FRONT)
    _check_intermediates(OwnedFolder(build_dir))


def build_folder(site: Path) -> Path:
    """Return the folder of a site's intermediate files: two sites of one name have two."""
    place = resolved(site)
    if place == resolved(DEFAULT_SITE):
        return DEFAULT_BUILD
    return DEFAULT_BUILD.with_name(f"{place.name}-{hashlib.sha256(str(place).encode()).hexdigest()[:10]}")


def _check_intermediates(build: OwnedFolder) -> None:
    foreign = build.foreign_below("docs", "overrides")
    if foreign is not None:
        raise RenderError(f"{build.folder / foreign} would become part of the site, and reportgen did not write it.")


def _render(
    report: Report,
    site: Path,
    build_dir: Path,
    progress: Progress,
    instead: Callable[[Asset], Asset],
    meanwhile: Callable[[], object],
    reuse: Reuse | None,
) -> Path:
    owned, build = OwnedFolder(site), OwnedFolder(build_dir)
    kept = reuse or Reuse(SiteMemory(), renderer_digest())
    digest = _digest(report, kept.renderer)
    index = site / "index.html"
    if owned.is_whole(digest) and not kept.fresh:
        progress.note(f"Nothing has changed since {index} was written.")
        return index
    with begun_mkdocs() as mkdocs:
        pages = list(all_pages(report))
        templates = Templates(templates_folder(), kept.compiled)
        files = site_intermediates(report, pages, site, build_dir, instead, templates)
        facts = report_facts(report, kept.renderer)
        files[f"docs/{REPORT_FILE}"] = Intermediate(partial(write_text, text=facts.model_dump_json(indent=1) + "\n"))
        owned.claim()
        _check_intermediates(build)
        _write_intermediates(build, files, kept, progress)
        with staging(site, build_dir) as built:
            settings = (build_dir / CONFIGURATION).read_text(encoding="utf-8")
            some = kept.keep_pages(owned, built, settings)
            mkdocs.build(build_dir / CONFIGURATION, built, progress, meanwhile, some=some)
            root = _finish(report, built, kept)
            move_into_place(built, owned, digest)
    if reuse:
        reuse.remember(report, site, root)
    return index


def _finish(report: Report, built: Path, reuse: Reuse) -> str:
    """Make what mkdocs built a report: trimmed, with records for repositories, its links checked, and sealed.

    Returns its root digest.
    """
    trim_site(built, reuse.named, report.known)
    for path, text in repository_records(report).items():
        write_text(built / path, text)
    _check_links(built, reuse.linked(built))
    reuse.note_pages(built)
    return seal(built)


def _digest(report: Report, renderer: str) -> str:
    """Return the digest of everything that the site is made from."""
    digest = hashlib.sha256(renderer.encode())
    digest.update(json.dumps([report.selected, asdict(report.extras)]).encode())
    for model in report.models:
        told = [record_told(model, record) or record.model_dump_json() for record in model.manifest.records]
        digest.update(model.run.model_dump_json().encode())
        digest.update(json.dumps([model.manifest.damaged, told]).encode())
    return digest.hexdigest()


def renderer_digest() -> str:
    """Return the digest of the templates and the program that write sites.

    Templates are read later than this, the program was loaded before: a change of either while a site is written leaves
    that site not current.
    """
    digest = hashlib.sha256()
    for name in ("mkdocs", "mkdocs-material"):
        digest.update(f"{name} {metadata.version(name)}\n".encode())
    digest.update(f"reportgen {__version__}\n".encode())
    digest.update(f"program {source_digest('reportgen.site')}\n".encode())
    templates = templates_folder()
    for path in sorted(templates.rglob("*")):
        if path.is_file():
            digest.update(path.relative_to(templates).as_posix().encode() + b"\0" + path.read_bytes())
    return digest.hexdigest()


def report_facts(report: Report, renderer: str) -> ReportFacts:
    """Return what a site says of how it was rendered, and by which `renderer_digest`."""
    return ReportFacts(
        reportgen=__version__,
        renderer=renderer,
        selected=report.selected,
        arrows=report.extras.arrows,
        media="full" if report.extras.media else "standard",
    )


def _write_intermediates(
    build: OwnedFolder, files: Mapping[str, Intermediate], reuse: Reuse, progress: Progress
) -> None:
    build.begin(files)
    build.remove_others(files)
    with progress.task("Writing pages", len(files)) as task:
        for path, file in files.items():
            reuse.write(path, file.key, build.place(path), file.write)
            task.advance()
    build.finish(files, "")


def _check_links(site: Path, only: frozenset[str] | None) -> None:
    """Raise RenderError for links that lead nowhere: a fault of the templates or files that vanished from a run."""
    broken = list(islice(broken_links(site, only), _BROKEN_SHOWN))
    if broken:
        raise RenderError(f"The site has links that lead nowhere: {'; '.join(map(str, broken))}.")
