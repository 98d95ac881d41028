"""The version, in one place, and the commit of the checkout that runs."""

from __future__ import annotations

import re
from pathlib import Path

__version__ = "0.1.0"

_COMMIT = re.compile(r"[0-9a-f]{40}(?:[0-9a-f]{24})?")
_REFERENCE = re.compile(r"ref: (refs/[^\s]+)")


def checkout_commit(folder: Path | None = None) -> str | None:
    """Return the commit that a folder (the one that holds this package) is checked out at; None where it is none.

    Git's own files are read, for Git may not be there. Changes that were not committed are not seen.
    """
    try:
        git = (folder or Path(__file__).resolve().parent.parent) / ".git"
        if git.is_file():  # of a worktree: it says where its own files lie
            git = (git.parent / git.read_text(encoding="utf-8").removeprefix("gitdir:").strip()).resolve()
        head = (git / "HEAD").read_text(encoding="utf-8").strip()
        named = _REFERENCE.fullmatch(head)
        found = _resolved(git, named[1]) if named else head
    except (OSError, UnicodeDecodeError):
        return None
    return found if found and _COMMIT.fullmatch(found) else None


def _resolved(git: Path, reference: str) -> str | None:
    """Return the commit that a branch stands at: in a file of its own, or in the list of packed ones."""
    shared = git / "commondir"
    common = (git / shared.read_text(encoding="utf-8").strip()).resolve() if shared.is_file() else git
    if (common / reference).is_file():
        return (common / reference).read_text(encoding="utf-8").strip()
    packed = common / "packed-refs"
    lines = packed.read_text(encoding="utf-8").splitlines() if packed.is_file() else []
    return next((line.split()[0] for line in lines if line.endswith(f" {reference}")), None)
