"""Carrying a report away: as an archive, as tables, and in other forms."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from pathlib import Path
from urllib.parse import urlsplit

from reportgen.config.numbers import file_size
from reportgen.errors import OptionError, StoreError
from reportgen.exports.anonymity import anonymous_runs, check_own_words
from reportgen.exports.base import ExportForm, ExportRequest
from reportgen.exports.registry import FORMS, export_form
from reportgen.given import given_path, given_words, some_paths
from reportgen.pages.report import Report
from reportgen.progress import SILENT, Progress, observer
from reportgen.records.files import atomic_path, check_file_place, check_writable
from reportgen.records.finding import find_runs
from reportgen.records.lease import held
from reportgen.records.os_errors import describe_os_error
from reportgen.records.owned import OwnedFolder
from reportgen.records.places import check_apart
from reportgen.records.scratch import scratch_beside
from reportgen.scanning.machine import forbidden_words
from reportgen.scanning.scanner import check_report
from reportgen.scanning.words import ForbiddenWords
from reportgen.site import write_site
from reportgen.wording import option

DEFAULT_SIZE = "95MB"
"""Of an archive: the usual supplement of a paper may have 100 MB."""


def export(
    runs: str | Path | Iterable[str | Path],
    format: str,
    *,
    to: str | Path | None = None,
    select: str | Sequence[str] = (),
    max_size: str | int | None = None,
    page: str = "",
    published: str = "",
    anonymous: bool = False,
    keep_digest: bool = False,
    forbid: str | Sequence[str] = (),
    progress: Progress | bool = SILENT,
) -> Path:
    """Write the report on `runs` in another form than a site, and return the file or folder.

    `runs` is one run's folder, a folder of runs, or several of either; `select` leaves of them what globs over
    identities match. `format` is one of ``reportgen.exports.registry.FORMS``. `to` is the file, or the folder for
    formats that are folders; by default ``report.zip`` or ``report-csv`` in the working folder. A file there is
    replaced, and in a folder what an earlier export wrote; other people's files stay. `max_size` is what a ZIP
    archive may have, such as ``95MB`` (which it is by default) or a number of bytes: a report that is larger is made
    smaller step by step, and says so. `page` is the address of one page of the site, which the format html writes
    instead of the summary. `published` is the address that the report's site has or will have: links lead there, and
    are plain words without it.

    With `anonymous` the report tells neither who made it nor where: see ``reportgen.anonymous.fields.DROPPED`` for what
    is left out, the digests of weights among it unless `keep_digest` is set. The finished report is then searched,
    whatever is packed into what, for the names of this machine and its user. `forbid` are words to search for besides,
    also without `anonymous`. Where one is found nothing is written.

    Raises UnknownNameError for a format that does not exist, StoreError when there are no runs, `to` cannot be written
    or another process is writing it, RenderError when the report cannot be shown in this form or `to` is a folder of
    somebody else's files, EmptySelectionError when `select` matches nothing, ForbiddenWordError for a name or word that
    was found.
    """
    progress = observer(progress)
    form, most = export_form(format), file_size(DEFAULT_SIZE if max_size is None else max_size, "--max-size")
    if max_size is not None and format != "zip":
        raise OptionError(
            f"{option('--max-size')} is of the format zip: leave it out, {format} cannot be made smaller."
        )
    if page and format != "html":
        raise OptionError(
            f"{option('--page')} chooses a page for the format html, and {format} is of the whole report."
        )
    if anonymous and published:
        raise OptionError(f"{option('--published')} tells whose report it is: leave it out of an anonymous one.")
    target = given_path(to or (f"report{form.suffix}" if form.suffix else f"report-{form.name}"))
    _check_target(form, target)
    folders, select, forbid = some_paths(runs, "runs"), given_words(select), given_words(forbid)
    stores = [store for folder in folders for store in find_runs(folder)]
    check_writable(target.parent)
    with scratch_beside(target) as place:
        check_apart([*folders, *(store.folder for store in stores)], target, place, "the export", ("--runs", "--to"))
        words = ForbiddenWords(forbidden_words(forbid))
        if anonymous:
            own = anonymous_runs(
                stores, place / "runs", select=select, forbid=forbid, keep_digest=keep_digest, progress=progress
            )
            report, words = Report.of(own.stores), own.words
        else:
            report = Report.of(stores, select)
            check_own_words([model.manifest for model in report.models], words)

        def render(report: Report, site: Path, meanwhile: Callable[[], object]) -> Path:
            build = site.with_name(f"{site.name}-build")
            return write_site(report, site, build, progress, meanwhile=meanwhile).parent

        request = ExportRequest(report, place, render, progress, most, page=page, published=_checked(published))
        _write(form, request, target, words)
        if request.roots:
            progress.note(f"Root digest of the report: {request.roots[-1]}")
    return target


def _checked(published: str) -> str:
    """Return the address of a site; raises OptionError for what is none."""
    parts = urlsplit(published)
    if published and (parts.scheme not in ("http", "https") or not parts.netloc or parts.query or parts.fragment):
        raise OptionError(f"{published!r} is no address of a site, such as https://name.github.io/report/.")
    return published


def _write(form: ExportForm, request: ExportRequest, target: Path, words: ForbiddenWords) -> None:
    """Write the whole, and look through it, before any of it is moved to its place."""
    if form.suffix:
        whole = request.scratch / f"whole{target.suffix}"
        _form(form, request, whole, target)
        check_report(whole, words, target.name, request.progress)
        with atomic_path(target) as part:
            whole.replace(part)
        return
    owned = OwnedFolder(target, "--to")
    owned.check_free()
    staged = request.scratch / "staged"
    staged.mkdir()
    _form(form, request, staged, target)
    check_report(staged, words, target.name, request.progress)
    files = [Path(folder, name) for folder, _, names in os.walk(staged) for name in names]
    found = {path.relative_to(staged).as_posix(): path for path in files}
    if not os.path.lexists(target):  # then it is there as a whole or not at all
        new = OwnedFolder(staged, "--to")
        new.begin(())
        new.finish(found, "")
        with suppress(OSError):  # another export was faster
            staged.rename(target)
            return
    with held(target, request.progress.note):
        owned = OwnedFolder(target, "--to")
        owned.claim()
        owned.begin(found)
        for name, path in found.items():
            owned.take(path, name)
        owned.finish(found, "")
    shutil.rmtree(staged)


def _form(form: ExportForm, request: ExportRequest, place: Path, target: Path) -> None:
    """Write a form to a place of ours; raises StoreError, of the user's place, where the disk is full."""
    try:
        form.write(request, place)
    except OSError as error:
        raise StoreError(describe_os_error(error, target)) from error


def _check_target(form: ExportForm, target: Path) -> None:
    """Raise OptionError, before any work, for a place that cannot be what this form writes."""
    if form.suffix and target.is_dir():
        raise OptionError(
            f"{option('--to', str(target))} is a folder, and the format {form.name} is one file: name a file in it."
        )
    if form.suffix:
        check_file_place(target)
    other = next((one.name for one in FORMS.values() if one.suffix and one.suffix == target.suffix.lower()), form.name)
    if other != form.name:
        raise OptionError(
            f"{option('--to', str(target))} is named like the format {other}, and {option('--format')} is {form.name}: "
            "change either."
        )
