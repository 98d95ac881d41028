"""What of a site's folder is published, and whether GitHub Pages takes it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from html import unescape
from pathlib import Path

from reportgen.errors import PublishError, RenderError, one_line
from reportgen.records.lease import LEASE
from reportgen.records.owned import STAMP, OwnedFolder
from reportgen.records.paths import inside
from reportgen.wording import command, option

SITE_LIMIT = 1_000_000_000
FILE_LIMIT = 100_000_000
DOMAIN = "CNAME"
"""GitHub's file that names the site's own domain."""

NO_JEKYLL = ".nojekyll"
"""GitHub's file that has a site served as it is."""

_SHOWN = 5
_TITLES = (
    re.compile(r'<meta property="og:site_name" content="([^"]*)">'),
    re.compile(r"<title>(.*?)</title>", re.DOTALL),
)
_HEAD_BYTES = 65536
_HOST_NAME = re.compile(r"(?!-)[A-Za-z0-9-]{1,63}(\.[A-Za-z0-9-]{1,63})+")


@dataclass(frozen=True)
class SiteContents:
    """The files of a report's site, each with its bytes; `left_out` are others in its folder."""

    folder: Path
    title: str
    files: dict[str, int]
    left_out: tuple[str, ...]
    domain: str | None

    @property
    def size(self) -> int:
        """Bytes of all files."""
        return sum(self.files.values())

    @property
    def pages(self) -> list[str]:
        """The addresses of its pages."""
        return [path for path in self.files if path.endswith(".html")]


def site_contents(folder: Path) -> SiteContents:
    """Return what of a site is published: the report's own files, and the domain that `CNAME` names.

    Raises RenderError when there is no site, the folder is not a report's, or files of it are missing or changed.
    """
    if not (folder / "index.html").is_file():
        raise RenderError(
            f"There is no site in {folder}: run {command('build')} first, or name its folder by {option('--site')}."
        )
    owned = OwnedFolder(folder)
    if not owned.files:
        raise RenderError(f"{folder} is not a site that reportgen wrote: name a report's folder by {option('--site')}.")
    if not owned.is_whole(owned.digest):
        raise RenderError(
            f"{folder} does not hold what reportgen wrote there last (it was stopped, or files were changed): run "
            f"{command('render')} again."
        )
    beside = [path.relative_to(folder).as_posix() for path in sorted(folder.rglob("*")) if not path.is_dir()]
    known = {*owned.files, STAMP, LEASE, DOMAIN, NO_JEKYLL}
    return SiteContents(
        folder=folder,
        title=_title(folder),
        files=dict(sorted(owned.files.items())),
        left_out=tuple(path for path in beside if path not in known),
        domain=_domain(folder),
    )


def _title(folder: Path) -> str:
    with inside(folder, "index.html").open("rb") as file:
        head = file.read(_HEAD_BYTES).decode("utf-8", "replace")
    found = next((title for pattern in _TITLES if (title := pattern.search(head))), None)
    return one_line(unescape(found[1]).strip()) if found else "Report"


def _domain(folder: Path) -> str | None:
    path = inside(folder, DOMAIN)
    if not path.is_file():
        return None
    with path.open("rb") as file:
        name = file.read(1024).decode("utf-8", "replace").strip()
    if not _HOST_NAME.fullmatch(name):
        raise RenderError(f"{path} does not hold one domain name such as report.example.org: mend it or remove it.")
    return name


def check_limits(contents: SiteContents, beside: Iterable[tuple[str, int]]) -> None:
    """Raise PublishError when GitHub Pages would refuse the site; `beside` are the other reports, with their bytes."""
    heavy = [(path, size) for path, size in contents.files.items() if size > FILE_LIMIT]
    if heavy:
        raise PublishError(
            f"GitHub takes no file of more than {megabytes(FILE_LIMIT)}, and the site has {_listed(heavy)}: "
            f"render it without {option('--media', 'full')}, or leave them out by {option('--select')}."
        )
    others = sorted(beside, key=lambda entry: -entry[1])
    total = contents.size + sum(size for _, size in others)
    if total > SITE_LIMIT:
        kept = (
            f" and {len(others)} other reports ({_listed(others)}), which {option('--drop')} removes" if others else ""
        )
        raise PublishError(
            f"GitHub Pages takes {megabytes(SITE_LIMIT)}, and this would be {megabytes(total)}: leave some out, by "
            f"{option('--select')} or without {option('--media', 'full')}. Its largest files are "
            f"{_listed(contents.files.items())}{kept}."
        )


def _listed(files: Iterable[tuple[str, int]]) -> str:
    largest: Sequence[tuple[str, int]] = sorted(files, key=lambda entry: -entry[1])
    shown = ", ".join(f"{path} ({megabytes(size)})" for path, size in largest[:_SHOWN])
    return shown + (f" and {len(largest) - _SHOWN} more" if len(largest) > _SHOWN else "")


def megabytes(size: int) -> str:
    """Return a size in megabytes (of a million bytes)."""
    return f"{size / 1e6:,.0f} MB" if size >= 10_000_000 else f"{size / 1e6:.1f} MB"
