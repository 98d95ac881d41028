"""From runs to a site that a browser opens: pages, configuration, mkdocs, and a check that every link leads somewhere.

No torch is needed, so that runs computed elsewhere can be rendered, again and after an edit of the templates, anywhere.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from importlib import metadata
from itertools import islice
from pathlib import Path

from filelock import FileLock, Timeout

from reportgen.errors import RenderError
from reportgen.media import motion_sprite, png_bytes, read_data
from reportgen.motion_colour import colour_wheel
from reportgen.pages.finder import finder_index
from reportgen.pages.links import broken_links
from reportgen.pages.motion import WHEEL_SIZE
from reportgen.pages.navigation import site_configuration
from reportgen.pages.page import Asset, ColourWheel, CopiedFile, MotionStrip, Page, ScriptData
from reportgen.pages.places import Places
from reportgen.pages.registry import all_pages
from reportgen.pages.report import Report
from reportgen.pages.templating import Templates, script_json
from reportgen.progress import SILENT, Progress
from reportgen.records.files import atomic_path, describe_os_error, remove_folder, write_text
from reportgen.records.store import find_runs
from reportgen.resources import templates_folder
from reportgen.sources import source_files
from reportgen.version import __version__

STAMP = ".reportgen.json"
"""Marks a folder as ours to empty, and says from what it was made; a dotfile, because mkdocs leaves those alone."""

_BROKEN_SHOWN = 3


def render(
    runs: Path | Iterable[Path],
    site: Path,
    *,
    select: Sequence[str] = (),
    build_dir: Path | None = None,
    progress: Progress = SILENT,
) -> Path:
    """Render runs as a site in the folder `site` and return its ``index.html``.

    `runs` is one run's folder, a folder of runs, or several of either. With `select`, globs over identities
    (``i3d/s3*``, ``i3d/conv1/0042``), the report has only what they select, and every page says so.

    The intermediate Markdown and ``mkdocs.yml`` stay in `build_dir`, by default a folder of the site's own in
    ``build``: many reports may be built at once. Whoever renders a site that another process is writing waits for it.
    Nothing is done when neither the runs, nor the templates, nor the program have changed since the last time. Raises
    StoreError when there are no runs or one of them is damaged, RenderError when the site cannot be built or `site`
    holds files that are not a report's, EmptySelectionError when `select` matches nothing.
    """
    folders = [runs] if isinstance(runs, Path) else list(runs)
    report = Report.of((store for folder in folders for store in find_runs(folder)), select)
    build_dir = build_dir or _build_folder(site)
    with _one_at_a_time(build_dir, progress):
        return _render(report, site, build_dir, progress)


def _build_folder(site: Path) -> Path:
    """Return the folder of a site's intermediate files: two sites of one name have two."""
    place = hashlib.sha256(str(site.resolve()).encode()).hexdigest()[:8]
    return Path("build") / f"{site.resolve().name}-{place}"


@contextmanager
def _one_at_a_time(build_dir: Path, progress: Progress) -> Iterator[None]:
    """Hold the folder against other processes; wait for one that holds it."""
    lock = FileLock(build_dir / ".lock")
    try:
        build_dir.mkdir(parents=True, exist_ok=True)
        try:
            lock.acquire(blocking=False)
        except Timeout:
            progress.note(f"Another process works in {build_dir}: waiting for it.")
            lock.acquire()
    except OSError as error:
        raise RenderError(describe_os_error(error, build_dir)) from error
    try:
        yield
    finally:
        lock.release()


def _render(report: Report, site: Path, build_dir: Path, progress: Progress) -> Path:
    _check_ours(site)
    _check_ours(build_dir / "docs")
    digest = _digest(report)
    index = site / "index.html"
    if _is_current(site, digest):
        progress.note(f"Nothing has changed since {index} was written.")
        return index
    pages = list(all_pages(report))
    _stamp(site, "")
    _write_docs(report, pages, build_dir, progress)
    configuration = build_dir / "mkdocs.yml"
    write_text(
        configuration,
        site_configuration(
            templates_folder() / "mkdocs.yml",
            pages,
            name=report.title,
            site=Path(os.path.relpath(site, build_dir)).as_posix(),
        ),
    )
    _run_mkdocs(configuration, progress)
    _check_links(site)
    _stamp(site, digest)
    return index


def _check_ours(folder: Path) -> None:
    """Raise RenderError when `folder`, which is about to be emptied, holds what this program did not write."""
    try:
        foreign = (
            folder.exists()
            and not (folder / STAMP).is_file()
            and any(not path.name.startswith(".") for path in folder.iterdir())
        )
    except OSError as error:
        raise RenderError(
            f"{folder} cannot be written to ({error.strerror}): name another folder by --site."
        ) from error
    if foreign:
        raise RenderError(f"{folder} holds files that reportgen did not write: name another folder by --site.")


def _digest(report: Report) -> str:
    """Return the digest of everything that the site is made from."""
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
    digest.update(json.dumps(report.selected).encode())
    for model in report.models:
        digest.update(model.manifest.model_dump_json().encode())
    return digest.hexdigest()


def _listing(site: Path) -> str:
    """Return a digest of the names and sizes of a site's files, so that one that is gone is missed."""
    files = sorted(path for path in site.rglob("*") if path.is_file() and path.name != STAMP)
    lines = (f"{path.relative_to(site).as_posix()} {path.stat().st_size}" for path in files)
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()


def _is_current(site: Path, digest: str) -> bool:
    try:
        stamp = json.loads((site / STAMP).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return False
    return isinstance(stamp, dict) and stamp.get("digest") == digest and stamp.get("files") == _listing(site)


def _stamp(folder: Path, digest: str) -> None:
    files = _listing(folder) if digest else ""
    write_text(folder / STAMP, json.dumps({"reportgen": __version__, "digest": digest, "files": files}) + "\n")


def _write_docs(report: Report, pages: list[Page], build_dir: Path, progress: Progress) -> None:
    docs = build_dir / "docs"
    remove_folder(docs)
    remove_folder(build_dir / "overrides")
    _stamp(docs, "")
    source = templates_folder()
    try:
        shutil.copytree(source / "assets", docs / "assets")
        shutil.copytree(source / "overrides", build_dir / "overrides")
    except OSError as error:
        raise RenderError(describe_os_error(error, docs)) from error
    templates = Templates(source)
    assets = list(_assets(report, pages))
    shared = {"selected": report.selected}
    places = Places.of(pages)
    with progress.task("Writing pages", len(pages) + len(assets)) as task:
        for asset in assets:
            _write_asset(asset, docs)
            task.advance()
        for page in pages:
            write_text(docs / page.uri, templates.render(page, places, **shared))
            task.advance()


def _assets(report: Report, pages: list[Page]) -> Iterator[Asset]:
    for model in report.models:
        yield from model.files()
    seen: dict[str, Asset] = {}
    for page in pages:
        seen.update({asset.uri: asset for asset in page.assets})
    yield from seen.values()
    yield ScriptData("assets/data/finder.js", "finder", finder_index(pages))


def _write_asset(asset: Asset, docs: Path) -> None:
    path = docs / asset.uri
    match asset:
        case CopiedFile(source=source):
            _link_or_copy(source, path)
        case ScriptData(name=name, data=data):
            lookup = "window.reportData=window.reportData||{};"
            write_text(path, f"{lookup}window.reportData[{script_json(name)}]={script_json(data)};\n")
        case MotionStrip(source=source, max_speed=max_speed):
            arrays = read_data(source)
            _write_bytes(path, motion_sprite(arrays["motion"], arrays["evidence"], max_speed))
        case ColourWheel(max_speed=max_speed):
            _write_bytes(path, png_bytes(colour_wheel(WHEEL_SIZE, max_speed)))


def _write_bytes(path: Path, content: bytes) -> None:
    with atomic_path(path) as temporary:
        temporary.write_bytes(content)


def _link_or_copy(source: Path, path: Path) -> None:
    """Give a file a second name, which costs no space; copy it where the file system cannot (another disk, FAT)."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            os.link(source, path)
        except OSError:
            shutil.copyfile(source, path)
    except OSError as error:
        raise RenderError(describe_os_error(error, path)) from error


def _run_mkdocs(configuration: Path, progress: Progress) -> None:
    """Build the site in a process of its own: mkdocs keeps its state in the logging module, and warnings must count."""
    command = [sys.executable, "-m", "mkdocs", "build", "--strict", "--config-file", str(configuration)]
    with progress.task("Building the site", 1) as task:
        environment = {**os.environ, "NO_MKDOCS_2_WARNING": "1"}
        result = subprocess.run(command, capture_output=True, text=True, env=environment, check=False)  # noqa: S603
        task.advance()
    if result.returncode != 0:
        lines = [line.strip() for line in (result.stdout + result.stderr).splitlines()]
        faults = [line for line in lines if line and not line.startswith(("INFO", "DEBUG"))]
        said = " ".join(faults[:_BROKEN_SHOWN]) or f"exit code {result.returncode}"
        raise RenderError(f"mkdocs could not build the site from {configuration}: {said}")


def _check_links(site: Path) -> None:
    """Raise RenderError for links that lead nowhere: a fault of the templates or files that vanished from a run."""
    broken = list(islice(broken_links(site), _BROKEN_SHOWN))
    if broken:
        raise RenderError(f"The site has links that lead nowhere: {'; '.join(map(str, broken))}.")
