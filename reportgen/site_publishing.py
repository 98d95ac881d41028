"""Moving a site that was built whole to its place. What was begun is finished, by this process or by the next one.

The built site lies in a folder of its own on the site's disk. A journal in it says what is to be moved; it is written
before the first file moves and removed behind the last. A stop leaves the old site, or the new one, or a journal.
"""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from pydantic import ValidationError

from reportgen.errors import RenderError
from reportgen.progress import Progress
from reportgen.records.base import Frozen
from reportgen.records.files import write_text
from reportgen.records.lease import held
from reportgen.records.os_errors import describe_os_error
from reportgen.records.owned import OwnedFolder

_STAGING = ".reportgen-site-"
_JOURNAL = ".reportgen-journal.json"
_MARK = ".reportgen-staging"
"""In a folder that a site is built in: it is ours, whatever others call theirs. mkdocs leaves dotfiles alone."""


class _Journal(Frozen):
    """Which files of a built site are to be moved to `site`; `digest` is what they show."""

    site: str
    digest: str
    files: tuple[str, ...]

    @classmethod
    def of(cls, built: Path) -> _Journal | None:
        """Return the journal of a built site, or None where nothing is to be moved."""
        try:
            return cls.model_validate_json((built / _JOURNAL).read_bytes())
        except (OSError, ValidationError):
            return None


@contextmanager
def staging(site: Path, build_dir: Path) -> Iterator[Path]:
    """Yield an empty folder to build the site in, removed at the end unless its files are still to be moved.

    It is on the site's disk: what has been built whole there is moved without asking for more space.
    """
    try:
        place = build_dir if build_dir.stat().st_dev == site.stat().st_dev else site
        folder = Path(tempfile.mkdtemp(prefix=_STAGING, dir=place)).resolve()
        (folder / _MARK).touch()
    except OSError as error:
        raise RenderError(describe_os_error(error, site)) from error
    try:
        yield folder
    finally:
        if not (folder / _JOURNAL).exists():
            _remove(folder)


def move_into_place(built: Path, site: OwnedFolder, digest: str) -> None:
    """Move a whole site to its place, and remove what of the old one is no part of it; Ctrl-C waits for the end."""
    found = (path.relative_to(built).as_posix() for path in built.rglob("*") if path.is_file())
    files = sorted(path for path in found if path != _MARK)
    journal = _Journal(site=str(site.folder.resolve()), digest=digest, files=tuple(files))
    site.begin(files)
    write_text(built / _JOURNAL, journal.model_dump_json())
    try:
        _move(built, site, journal)
    except KeyboardInterrupt:
        _move(built, site, journal)
        raise


def finish_publishing(site: Path, build_dir: Path, progress: Progress) -> None:
    """Finish what a process began to move to the site and was killed at; nothing where there is nothing of the kind."""
    if not any(_left_over(site, build_dir)):
        return
    with held(site, progress.note), held(build_dir, progress.note):
        owned = OwnedFolder(site)
        for left in _left_over(site, build_dir):
            journal = _Journal.of(left)
            if journal is not None and journal.site != str(site.resolve()):
                continue  # another site's, made from the same folder
            if journal is not None and owned.claimed:
                _move(left, owned, journal)
                progress.note(f"The last render of {site} was stopped while it was moved there: that is finished now.")
            _remove(left)  # mkdocs may have outlived who started it: the next time, then


def _left_over(site: Path, build_dir: Path) -> list[Path]:
    """Return the folders that killed renders built in, of folders that are ours; and those that are empty yet."""
    folders = [folder for folder in dict.fromkeys((site, build_dir)) if OwnedFolder(folder).claimed]
    found = (left for folder in folders for left in sorted(folder.glob(f"{_STAGING}*")) if not left.is_symlink())
    return [left for left in found if (left / _MARK).is_file() or (left.is_dir() and not any(left.iterdir()))]


def _remove(folder: Path) -> None:
    """Remove a folder that a site was built in, its mark last: what a stop or an error leaves is known as ours."""
    with suppress(OSError):
        for path in folder.iterdir():
            if path.is_dir() and not path.is_symlink():
                shutil.rmtree(path)
            elif path.name != _MARK:
                path.unlink()
        (folder / _MARK).unlink(missing_ok=True)
        folder.rmdir()


def _move(built: Path, site: OwnedFolder, journal: _Journal) -> None:
    for path in journal.files:
        if (built / path).exists():  # and was not moved before the stop
            site.take(built / path, path)
    site.finish(journal.files, journal.digest)
    (built / _JOURNAL).unlink()
