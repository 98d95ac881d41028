"""The program's own files that an entry needs, found by following imports: what decides that outputs are current.

`reportgen` imports this first: what the files are is noted before they are loaded, so that a process that goes on with
what it has loaded knows that they are others now.
"""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

_PACKAGE = Path(__file__).resolve().parent

_Mark = tuple[int, int, int]
"""What changes with a file's content: when it was written, its size and its number in the file system."""


def _marks() -> dict[str, _Mark]:
    """Return the mark of each of the program's files: not the digest, since every start of the program waits for it."""
    found = {}
    for folder, _, names in os.walk(_PACKAGE):
        for path in (f"{folder}{os.sep}{name}" for name in names if name.endswith(".py")):
            facts = os.stat(path)  # noqa: PTH116 (hundreds of them, at every start)
            found[path] = (facts.st_mtime_ns, facts.st_size, facts.st_ino)
    return found


_LOADED = _marks()
_UNLIKE_ANY = os.urandom(16)

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


def source_digest(entry: str) -> str:
    """Return the digest of what this process runs from the module `entry` on, all that it imports with it.

    Where one of these files has changed since the program was started, what it runs is neither the old nor the new
    program for certain: that has a digest like no other process.
    """
    digest = hashlib.sha256()
    now = _marks()
    for path in source_files(entry):
        if _LOADED.get(str(path)) != now.get(str(path)):
            digest.update(_UNLIKE_ANY)
        digest.update(path.relative_to(_PACKAGE).as_posix().encode() + b"\0" + path.read_bytes())
    return digest.hexdigest()


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
