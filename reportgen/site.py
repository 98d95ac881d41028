"""From runs to a site that a browser opens: pages, configuration, mkdocs, and a check that every link leads somewhere.

No torch is needed, so that runs computed elsewhere can be rendered, again and after an edit of the templates, anywhere.
The site is built beside the user's and moved there file by file when it is whole; a manifest in each folder says what
is ours, and nothing else is ever replaced or removed.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict
from functools import partial
from importlib import metadata
from itertools import islice
from pathlib import Path

from reportgen.errors import RenderError
from reportgen.outputs.model import data_address
from reportgen.pages.citing import citation_of, head_facts
from reportgen.pages.comparable import compare_index
from reportgen.pages.document import document_of
from reportgen.pages.finder import finder_index
from reportgen.pages.links import broken_links
from reportgen.pages.navigation import site_configuration
from reportgen.pages.page import Asset, DataFile, Page, ScriptData
from reportgen.pages.places import PageAddresses
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
from reportgen.site_files import copy_file, write_asset, write_page
from reportgen.site_mkdocs import begun_mkdocs
from reportgen.site_publishing import move_into_place, staging
from reportgen.site_trim import trim_site
from reportgen.sources import source_files
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
) -> Path:
    """Write a report as a site in the folder `site`, from Markdown in `build_dir`, and return its ``index.html``.

    `instead` says what is written in the place of a file that pages need beside them; `meanwhile` is called once,
    while mkdocs works in a process of its own, or not at all where nothing is to be done. Whoever writes a site that
    another process is writing waits for it. Nothing is done when the site is whole and of this report, these templates
    and this program. Raises RenderError; the old site is then as it was.
    """
    # The site's own lock holds whatever folder the others work from; the build folder's, where two sites share one.
    with held(site, progress.note), held(build_dir, progress.note):
        return _render(report, site, build_dir, progress, instead, meanwhile)


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
) -> Path:
    owned, build = OwnedFolder(site), OwnedFolder(build_dir)
    renderer = renderer_digest()
    digest = _digest(report, renderer)
    index = site / "index.html"
    if owned.is_whole(digest):
        progress.note(f"Nothing has changed since {index} was written.")
        return index
    with begun_mkdocs() as mkdocs:
        pages = list(all_pages(report))
        writers = _writers(report, pages, site, build_dir, instead)
        facts = report_facts(report, renderer)
        writers[f"docs/{REPORT_FILE}"] = partial(write_text, text=facts.model_dump_json(indent=1) + "\n")
        owned.claim()
        _check_intermediates(build)
        _write_intermediates(build, writers, progress)
        with staging(site, build_dir) as built:
            mkdocs.build(build_dir / "mkdocs.yml", built, progress, meanwhile)
            _finish(report, built)
            move_into_place(built, owned, digest)
    return index


def _finish(report: Report, built: Path) -> None:
    """Make what mkdocs built a report: trimmed, with records for repositories, its links checked, and sealed."""
    trim_site(built)
    for path, text in repository_records(report).items():
        write_text(built / path, text)
    _check_links(built)
    seal(built)


def _digest(report: Report, renderer: str) -> str:
    """Return the digest of everything that the site is made from."""
    digest = hashlib.sha256(renderer.encode())
    digest.update(json.dumps([report.selected, asdict(report.extras)]).encode())
    for model in report.models:
        digest.update(model.manifest.model_dump_json().encode())
    return digest.hexdigest()


def renderer_digest() -> str:
    """Return the digest of the templates and the program that write sites."""
    digest = hashlib.sha256()
    for name in ("mkdocs", "mkdocs-material"):
        digest.update(f"{name} {metadata.version(name)}\n".encode())
    digest.update(f"reportgen {__version__}\n".encode())
    templates = templates_folder()
    package = Path(__file__).parent
    for folder, paths in ((templates, sorted(templates.rglob("*"))), (package, source_files("reportgen.site"))):
        for path in paths:
            if path.is_file() and path.suffix != ".pyc":
                digest.update(path.relative_to(folder).as_posix().encode() + b"\0" + path.read_bytes())
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


Writer = Callable[[Path], None]


def _writers(
    report: Report, pages: list[Page], site: Path, build_dir: Path, instead: Callable[[Asset], Asset]
) -> dict[str, Writer]:
    """Return the intermediate files by their path in `build_dir`, each with what writes it to a place."""
    source = templates_folder()
    writers: dict[str, Writer] = {}
    for folder, place in (("assets", "docs/assets"), ("overrides", "overrides")):
        for path in sorted((source / folder).rglob("*")):
            if path.is_file():
                writers[f"{place}/{path.relative_to(source / folder).as_posix()}"] = partial(copy_file, path)
    assets = list(_assets(report, pages))
    writers |= {f"docs/{asset.uri}": partial(write_asset, instead(asset)) for asset in assets}
    templates = Templates(source)
    places = PageAddresses.of(pages, (asset.uri for asset in assets))
    for page in pages:
        writers[f"docs/{page.uri}"] = partial(write_page, page, places, templates, selected=report.selected)
    configuration = site_configuration(
        source / "mkdocs.yml",
        pages,
        name=report.title,
        site=Path(os.path.relpath(site.resolve(), build_dir.resolve())).as_posix(),
        citation=head_facts(citation_of(report), anonymous=report.anonymous),
    )
    writers["mkdocs.yml"] = partial(write_text, text=configuration)
    return writers


def _write_intermediates(build: OwnedFolder, writers: dict[str, Writer], progress: Progress) -> None:
    build.begin(writers)
    build.remove_others(writers)
    with progress.task("Writing pages", len(writers)) as task:
        for path, write in writers.items():
            write(build.place(path))
            task.advance()
    build.finish(writers, "")


def _assets(report: Report, pages: list[Page]) -> Iterator[Asset]:
    for model in report.models:
        yield from model.files()
        yield from model.exports()
    seen: dict[str, Asset] = {}
    for page in pages:
        seen.update({asset.uri: asset for asset in page.assets})
    yield from seen.values()
    compared = [(page.uri, page.compared) for page in pages if page.compared]
    yield ScriptData("assets/data/compare.js", "compare", compare_index(compared))
    for section in document_of(report.title, pages).sections:
        yield from (DataFile(data_address(section.address, table.name), table) for table in section.data())
    yield ScriptData(
        "assets/data/finder.js",
        "assets/data/finder",
        {"pages": finder_index(pages), "kernels": [model.addresses.folder for model in report.models if model.census]},
    )


def _check_links(site: Path) -> None:
    """Raise RenderError for links that lead nowhere: a fault of the templates or files that vanished from a run."""
    broken = list(islice(broken_links(site), _BROKEN_SHOWN))
    if broken:
        raise RenderError(f"The site has links that lead nowhere: {'; '.join(map(str, broken))}.")
