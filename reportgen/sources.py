"""The program's own files that an entry needs, found by following imports: what decides that outputs are current."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

_PACKAGE = Path(__file__).resolve().parent

_IMPORT = re.compile(
    r"^[ \t]*(?:from (reportgen(?:\.\w+)*) import (\([^)]*\)|[^\n]*)|import (reportgen(?:\.\w+)*))", re.MULTILINE
)
_COMMENT = re.compile(r"#[^\n]*")
_TYPES_ONLY = re.compile(r"^if TYPE_CHECKING:.*\n(?:[ \t]+.*\n|\n)*", re.MULTILINE)
"""What only a type checker reads."""


@cache
def source_files(entry: str) -> tuple[Path, ...]:
    """Return the files of the module `entry` (``reportgen.site``) and of all of reportgen that it imports, in order.

    Imports inside functions count too: what a page is made of must not be missed because it is loaded late. Found once
    in a process, which runs what it has loaded.
    """
    found: set[Path] = set()
    waiting = [entry]
    while waiting:
        for path in _files(waiting.pop()):
            if path not in found:
                found.add(path)
                waiting += _imported(path)
    return tuple(sorted(found))


@cache
def _files(module: str) -> tuple[Path, ...]:
    """Return the file of a module and of the packages that hold it; a class or function of one has no file."""
    parts = module.split(".")[1:]
    places = [_PACKAGE.joinpath(*parts[:depth]) for depth in range(len(parts) + 1)]
    candidates = [*(place / "__init__.py" for place in places), places[-1].with_suffix(".py")]
    return tuple(path for path in candidates if path.is_file())


def _imported(path: Path) -> Iterator[str]:
    """Yield what a file imports of reportgen; its statements are read as text, which is fast."""
    text = _TYPES_ONLY.sub("", path.read_text(encoding="utf-8"))
    for source, names, module in _IMPORT.findall(text):
        if module:
            yield module
            continue
        yield source
        yield from (
            f"{source}.{name.split()[0]}" for name in _COMMENT.sub("", names).strip("()").split(",") if name.strip()
        )
