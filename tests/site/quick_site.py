"""Sites for tests where only the files matter, and not what a page holds; no torch is imported."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path

from reportgen.progress import Progress
from tests.documents import replace_text


class QuickMkdocs:
    """Stands for mkdocs where only the files matter: a page for each Markdown file, everything else copied."""

    def build(
        self,
        configuration: Path,
        site: Path,
        progress: Progress,
        meanwhile: Callable[[], object],
        *,
        some: bool = False,
    ) -> None:
        meanwhile()
        docs = configuration.parent / "docs"
        for path in sorted(docs.rglob("*")):
            if path.is_file() and not path.name.startswith("."):
                target = site / path.relative_to(docs)
                target.parent.mkdir(parents=True, exist_ok=True)
                if path.suffix == ".md":
                    target.with_suffix(".html").write_text("<p>a page</p>")
                else:
                    shutil.copyfile(path, target)


def quick_mkdocs() -> AbstractContextManager[QuickMkdocs]:
    """Stands for `reportgen.site.begun_mkdocs`."""
    return nullcontext(QuickMkdocs())


def rename(run: Path, old: str, new: str) -> None:
    """Give a run's network another name, and so its pages other addresses."""
    replace_text(run / "run.json", f'"model": "{old}"', f'"model": "{new}"')


def contents(folder: Path) -> dict[str, bytes]:
    return {p.relative_to(folder).as_posix(): p.read_bytes() for p in folder.rglob("*") if p.is_file()}


THEIRS = ("CNAME", "notes.txt", ".nojekyll", ".git/config", "plain_net/notes.txt", "photos/cat.png", "assets/mine.css")
