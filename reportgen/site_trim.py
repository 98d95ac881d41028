"""What mkdocs-material puts into every site and no page of ours needs, taken out again: a third of a small report."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

from reportgen.errors import RenderError
from reportgen.records.files import describe_os_error

_UNUSED_FOLDERS = ("assets/javascripts/lunr", "assets/javascripts/workers")
"""The theme's own search, which `plugins: []` turns off."""

_UNUSED_FILES = ("sitemap.xml", "sitemap.xml.gz")
"""Empty, since a site does not know its own address, and the compressed one differs by the day it was built."""

_SOURCE_MAP = re.compile(rb"\s*(?://# sourceMappingURL=\S+|/\*# sourceMappingURL=\S+ \*/)\s*$")
_KEPT_AS_IS = re.compile(r"(<pre\b.*?</pre>|<textarea\b.*?</textarea>|<script\b.*?</script>)", re.DOTALL)
_BLANK = re.compile(r"\s*\n\s*")


def trim_site(folder: Path) -> None:
    """Remove the theme's search, source maps, empty site maps, and the blank lines that its templates leave in pages.

    Raises RenderError when a file cannot be written.
    """
    try:
        _trim(folder)
    except OSError as error:
        raise RenderError(describe_os_error(error, folder)) from error


def _trim(folder: Path) -> None:
    for name in _UNUSED_FOLDERS:
        shutil.rmtree(folder / name, ignore_errors=True)
    for name in _UNUSED_FILES:
        (folder / name).unlink(missing_ok=True)
    for path in (folder / "assets").rglob("*.map"):
        named = path.with_suffix("")
        if named.is_file():
            named.write_bytes(_SOURCE_MAP.sub(b"\n", named.read_bytes()))
        path.unlink()
    for path in folder.rglob("*.html"):
        path.write_text(without_blanks(path.read_text(encoding="utf-8")), encoding="utf-8", newline="\n")


def without_blanks(page: str) -> str:
    """Return a page in which each run of white space with a line break is that line break alone."""
    parts = _KEPT_AS_IS.split(page)
    return "".join(part if place % 2 else _BLANK.sub("\n", part) for place, part in enumerate(parts))
