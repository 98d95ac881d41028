"""Building the documentation: written and generated pages together in a folder of the build, then mkdocs, strictly.

python -m tools.docs.build
"""

from __future__ import annotations

import argparse
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path, PurePosixPath
from typing import Any

import yaml

from reportgen.isolated import clean_environment, module_command
from tools.docs.calls import call_pages
from tools.docs.commands import command_pages
from tools.docs.methods import method_pages
from tools.docs.notebooks import notebook_pages
from tools.docs.schemas import schema_pages

ROOT = Path(__file__).resolve().parents[2]
WRITTEN = ROOT / "docs"
BUILD = ROOT / "build/docs"
PAGES, SITE = BUILD / "pages", BUILD / "site"

_COPIED = {"CONTRIBUTING.md": "contributing.md", "CHANGELOG.md": "changelog.md", "modelzoo/README.md": "cards.md"}
"""Pages that lie elsewhere in the repository, and what they are called here."""

_LINK = re.compile(r"(?<!!)\[([^\]]+)\]\((?!https?:|#|mailto:)([^)#\s]+)(#[^)\s]*)?\)")


def generated_pages() -> dict[str, str]:
    """Return the pages that the program itself tells, by address."""
    return command_pages() | call_pages() | schema_pages() | method_pages()


def assemble(pages: Path, *, run: bool = False) -> None:
    """Write all pages of the documentation into a folder, which is emptied first; with `run` notebooks are run."""
    if pages.exists():
        shutil.rmtree(pages)
    shutil.copytree(WRITTEN, pages, ignore=shutil.ignore_patterns("mkdocs.yml", ".*", "*.toml", "*.ipynb"))
    for source, name in _COPIED.items():
        (pages / name).write_text((ROOT / source).read_text(encoding="utf-8"), encoding="utf-8")
    for address, text in (generated_pages() | notebook_pages(run=run)).items():
        path = pages / address
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    here = {path.relative_to(pages).as_posix() for path in pages.rglob("*.*")}
    for path in pages.rglob("*.md"):
        text = path.read_text(encoding="utf-8")
        path.write_text(linked(text, path.relative_to(pages).as_posix(), here), encoding="utf-8")


def linked(text: str, address: str, pages: set[str]) -> str:
    """Return a page whose links to files of the repository lead to pages here, or are words alone."""

    def leading(found: re.Match[str]) -> str:
        words, target, part = found[1], found[2], found[3] or ""
        place = _normal(PurePosixPath(address).parent / target)
        for candidate in (place, place.removeprefix("docs/"), *(_COPIED[n] for n in _COPIED if place.endswith(n))):
            if candidate in pages:
                up = "../" * (len(PurePosixPath(address).parts) - 1)
                return f"[{words}]({up}{candidate}{part})"
        return words

    return _LINK.sub(leading, text)


def configuration(pages: Path) -> str:
    """Return mkdocs' configuration, in which an entry of the navigation that ends in a glob stands for all others."""
    settings = yaml.safe_load((WRITTEN / "mkdocs.yml").read_text(encoding="utf-8"))
    named = {entry for entry in _entries(settings["nav"]) if "*" not in entry}
    settings["nav"] = _expanded(settings["nav"], named, pages)
    return yaml.safe_dump(settings, sort_keys=False)


def _entries(nav: Any) -> Iterator[str]:
    if isinstance(nav, str):
        yield nav
    else:
        for entry in nav.values() if isinstance(nav, dict) else nav:
            yield from _entries(entry)


def _expanded(nav: Any, named: set[str], pages: Path) -> Any:
    if isinstance(nav, dict):
        found = {title: _expanded(entry, named, pages) for title, entry in nav.items()}
        return {title: entry for title, entry in found.items() if entry != []}
    if not isinstance(nav, list):
        return nav
    entries: list[Any] = []
    for entry in nav:
        if isinstance(entry, str) and "*" in entry:
            there = sorted(path.relative_to(pages).as_posix() for path in pages.glob(entry))
            entries += [page for page in there if page not in named]
        else:
            entries.append(_expanded(entry, named, pages))
    return [entry for entry in entries if entry != {}]


def _normal(path: PurePosixPath) -> str:
    parts: list[str] = []
    for part in path.parts:
        if part == ".." and parts:
            parts.pop()
        elif part not in {".", ".."}:
            parts.append(part)
    return "/".join(parts)


def main(words: Sequence[str] | None = None) -> int:
    """Build the documentation, and return mkdocs' exit code."""
    parser = argparse.ArgumentParser(
        prog="python -m tools.docs.build", description=f"Build the documentation in {SITE.relative_to(ROOT)}."
    )
    parser.add_argument("--without-notebooks", action="store_true", help="leave the notebooks as they are, not run")
    assemble(PAGES, run=not parser.parse_args(words).without_notebooks)
    settings = BUILD / "mkdocs.yml"
    settings.write_text(configuration(PAGES), encoding="utf-8")
    command = module_command("mkdocs", "build", "--strict", "--quiet", "--config-file", str(settings))
    code = subprocess.run(command, cwd=ROOT, env=clean_environment(NO_MKDOCS_2_WARNING="1"), check=False).returncode
    if code == 0:
        print(f"The documentation is {SITE / 'index.html'}")
    return code


if __name__ == "__main__":
    sys.exit(main())
