"""The fenced blocks of the documentation: found, and run in order in a folder that has what they name."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from torch import Tensor

from reportgen.media.video import write_mp4
from tests.children import Finished, run
from tests.truth.bundled import bundled_clips, bundled_network
from tests.unit.publishing.folders import git

ROOT = Path(__file__).resolve().parents[2]
DOCS = ROOT / "docs"
_BLOCK = re.compile(
    r"^(?:<!-- not run: (?P<reason>[^>]+) -->\n)?"
    r"^```(?P<language>\w*)(?: title=\"(?P<title>[^\"]+)\")?\n(?P<text>.*?)^```$",
    re.DOTALL | re.MULTILINE,
)
RUN = frozenset({"bash", "python"})
WRITTEN = frozenset({"toml", "python"})


@dataclass(frozen=True)
class Snippet:
    """A block of a page: `title` is the file that it is written to, `reason` why it is not run."""

    page: str
    language: str
    text: str
    title: str | None
    reason: str | None


def pages() -> list[Path]:
    """Return the pages that are written by hand."""
    return sorted(path for path in DOCS.rglob("*.md") if "notebooks" not in path.parts)


def snippets(path: Path) -> Iterator[Snippet]:
    """Yield the blocks of a page in their order."""
    for found in _BLOCK.finditer(path.read_text(encoding="utf-8")):
        name = path.relative_to(DOCS).as_posix()
        yield Snippet(name, found["language"], found["text"], found["title"], found["reason"])


def prepare(folder: Path) -> None:
    """Put into a folder what snippets name: clips, a reference folder, a concept, and a repository with a remote."""
    made, labels = bundled_clips(12), bundled_network().labels
    _write(made[0][0], folder / "clip.mp4")
    for number, (clip, label) in enumerate(made):
        _write(clip, folder / "clips" / labels[label] / f"{number}.mp4")
    for number, (clip, _) in enumerate(bundled_clips(5, motion="moving", seed=9)):
        _write(clip, folder / "concepts/moving" / f"{number}.mp4")
    (folder / "reportgen.toml").write_text('preset = "quick"\n')
    git(folder.parent, "init", "--quiet", "--bare", f"{folder.name}-there.git")
    git(folder, "init", "--quiet", "--initial-branch=main")
    git(folder, "remote", "add", "origin", f"../{folder.name}-there.git")
    programs = folder / ".bin"
    programs.mkdir()
    for name, words in (("reportgen", "-m reportgen"), ("python", "")):
        (programs / name).write_text(f'#!/bin/sh\nexec "{sys.executable}" {words} "$@"\n')
        (programs / name).chmod(0o755)


def execute(snippet: Snippet, folder: Path) -> Finished | None:
    """Write a snippet to its file or run it in the folder; None where there is nothing to run."""
    if snippet.title is not None:
        (folder / snippet.title).write_text(snippet.text)
    if snippet.reason or snippet.title or snippet.language not in RUN:
        return None
    path = f"{folder / '.bin'}{os.pathsep}{os.environ['PATH']}"
    env = {**os.environ, "PATH": path, "OMP_NUM_THREADS": "1", "PYTHONPATH": os.pathsep.join([str(ROOT), str(folder)])}
    if snippet.language == "bash":
        return run(["bash", "-euo", "pipefail", "-c", snippet.text], cwd=folder, env=env)
    return run([sys.executable, "-c", snippet.text], cwd=folder, env=env)


def _write(clip: Tensor, path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    write_mp4(path, (clip[0].permute(1, 2, 3, 0).numpy() * 255).astype(np.uint8))
