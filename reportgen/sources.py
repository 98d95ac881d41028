"""The program's own files that an entry needs, found by following imports: what decides that outputs are current."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from functools import cache
from pathlib import Path

_PACKAGE = Path(__file__).resolve().parent


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


def _files(module: str) -> Iterator[Path]:
    """Yield the file of a module and of the packages that hold it; a class or function of one has no file."""
    parts = module.split(".")[1:]
    places = [_PACKAGE.joinpath(*parts[:depth]) for depth in range(len(parts) + 1)]
    candidates = [*(place / "__init__.py" for place in places), places[-1].with_suffix(".py")]
    yield from (path for path in candidates if path.is_file())


def _imported(path: Path) -> Iterator[str]:
    for node in _executed(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.module and node.module.split(".")[0] == "reportgen":
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)
        elif isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names if alias.name.split(".")[0] == "reportgen")


def _executed(tree: ast.AST) -> Iterator[ast.AST]:
    """Yield the statements below `tree`, which imports are, but for those that only a type checker reads."""
    for part in ("body", "orelse", "finalbody", "handlers", "cases"):
        for node in getattr(tree, part, ()):
            if not (isinstance(node, ast.If) and "TYPE_CHECKING" in ast.dump(node.test)):
                yield node
                yield from _executed(node)
