"""What mkdocs-material puts into every site and no page of ours needs, taken out again: a third of a small report."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

from reportgen.errors import RenderError
from reportgen.pages.known_parts import KnownParts
from reportgen.records.jobs import content_digest
from reportgen.records.os_errors import describe_os_error
from reportgen.site_styles import NamedParts, asked_attributes, without_unused

_UNUSED_FOLDERS = ("assets/javascripts",)
"""The theme's own scripts: its search, which `plugins: []` turns off, and what `assets/js/theme.js` stands for."""

_UNUSED_FILES = ("sitemap.xml", "sitemap.xml.gz")
"""Empty, since a site does not know its own address, and the compressed one differs by the day it was built."""

_SOURCE_MAP = re.compile(rb"\s*(?://# sourceMappingURL=\S+|/\*# sourceMappingURL=\S+ \*/)\s*$")
_COMMENT_LINE = re.compile(r"^[ \t]*//.*\n", re.MULTILINE)
"""In our own scripts, and in the shaders within them."""

_INDENT = re.compile(r"^[ \t]+", re.MULTILINE)
_STYLE_COMMENT = re.compile(r"/\*.*?\*/", re.DOTALL)
_AROUND = re.compile(r"\s*([{};])\s*")
"""White space in our styles that means nothing; none of them has braces within words."""

_KEPT_AS_IS = re.compile(r"(<pre\b.*?</pre>|<textarea\b.*?</textarea>|<script\b.*?</script>)", re.DOTALL)
_PLAIN = "!#$%()*+,-./:;=?@[\\]^_{|}~"
"""Signs that mean nothing in HTML, neither between tags nor in quoted attributes."""

_REFERENCE = re.compile(f"&#({'|'.join(str(ord(sign)) for sign in _PLAIN)});")
_BLANK = re.compile(r"\s*\n\s*")
_CELL_END = re.compile(r"</t[dh]>(?=<t[dh][ >]|</tr>)")
"""Ends of cells that HTML lets out, for what follows ends a cell too: a fifth of a table of thousands of kernels."""


def trim_site(folder: Path, named: dict[str, str] | None = None, known: KnownParts | None = None) -> None:
    """Remove the theme's scripts, source maps, empty site maps, the rules of its styles that no page matches, the
    blank lines that its templates leave in pages, and the comments and indents of our scripts and styles.

    Pages that are `named` were trimmed by an earlier render; by their address, the digest of what they name, and of
    every other one it is put there. Styles that are `known` are taken where all pages together name the same. Raises
    RenderError when a file cannot be written.
    """
    try:
        _trim(folder, {} if named is None else named, known or KnownParts())
    except OSError as error:
        raise RenderError(describe_os_error(error, folder)) from error


def _trim(folder: Path, named: dict[str, str], known: KnownParts) -> None:
    for name in _UNUSED_FOLDERS:
        shutil.rmtree(folder / name, ignore_errors=True)
    for name in _UNUSED_FILES:
        (folder / name).unlink(missing_ok=True)
    for path in (folder / "assets").rglob("*.map"):
        mapped = path.with_suffix("")
        if mapped.is_file():
            mapped.write_bytes(_SOURCE_MAP.sub(b"\n", mapped.read_bytes()))
        path.unlink()
    for path in sorted((folder / "assets" / "js").rglob("*.js")):
        text = _INDENT.sub("", _COMMENT_LINE.sub("", path.read_text(encoding="utf-8")))
        path.write_text(text, encoding="utf-8", newline="\n")
    for path in sorted((folder / "assets" / "css").glob("*.css")):
        text = _AROUND.sub(r"\1", _BLANK.sub("\n", _STYLE_COMMENT.sub("", path.read_text(encoding="utf-8"))))
        path.write_text(text, encoding="utf-8", newline="\n")
    scripts = [path.read_text(encoding="utf-8") for path in sorted((folder / "assets" / "js").rglob("*.js"))]
    own = [path.read_text(encoding="utf-8") for path in sorted((folder / "assets" / "css").glob("*.css"))]
    theme = sorted((folder / "assets" / "stylesheets").glob("*.css"))
    styles = {path.name: path.read_text(encoding="utf-8") for path in theme}
    pages = sorted(folder.rglob("*.html"))
    asked = asked_attributes(styles.values())
    for path in pages:
        if (name := path.relative_to(folder).as_posix()) not in named:
            named[name] = NamedParts.of([_trimmed(path)], ()).digest(asked)

    def used() -> dict[str, list[str]]:
        texts = (path.read_text(encoding="utf-8") for path in pages)
        found = without_unused(styles, NamedParts.of(texts, scripts), [*own, *scripts])
        return {name: [text] for name, text in found.items()}

    for name, (text,) in known.part(
        content_digest(["styles", sorted(set(named.values())), styles, own, scripts]), used
    ).items():
        (folder / "assets" / "stylesheets" / name).write_text(text, encoding="utf-8", newline="\n")


def _trimmed(path: Path) -> str:
    """Write a page anew without blank lines, and return its text."""
    text = without_blanks(path.read_text(encoding="utf-8"))
    path.write_text(text, encoding="utf-8", newline="\n")
    return text


def without_blanks(page: str) -> str:
    """Return a page in which each run of white space with a line break is that line break alone, and each sign that
    only Markdown or a template could have read (``#``, ``:``, ``(``) stands as itself again; cells end where the next
    one begins, or their row ends.
    """
    parts = _KEPT_AS_IS.split(page)
    return "".join(part if place % 2 else _spelled(_BLANK.sub("\n", part)) for place, part in enumerate(parts))


def _spelled(markup: str) -> str:
    return _CELL_END.sub("", _REFERENCE.sub(lambda found: chr(int(found[1])), markup))
