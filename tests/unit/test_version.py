"""The commit of a checkout, as Git tells it."""

from __future__ import annotations

from pathlib import Path

import pytest

from reportgen.version import checkout_commit

COMMIT = "0123456789abcdef0123456789abcdef01234567"


def checkout(folder: Path, head: str) -> Path:
    git = folder / ".git"
    git.mkdir(parents=True)
    (git / "HEAD").write_text(head, encoding="utf-8")
    return git


def test_a_branch_in_a_file_of_its_own_and_one_that_is_packed(tmp_path: Path) -> None:
    git = checkout(tmp_path, "ref: refs/heads/main\n")
    assert checkout_commit(tmp_path) is None, "no commit yet"
    (git / "packed-refs").write_text(f"# pack-refs\n{COMMIT} refs/heads/main\n", encoding="utf-8")
    assert checkout_commit(tmp_path) == COMMIT
    (git / "refs" / "heads").mkdir(parents=True)
    (git / "refs" / "heads" / "main").write_text("f" * 40 + "\n", encoding="utf-8")
    assert checkout_commit(tmp_path) == "f" * 40


def test_a_worktree_has_its_head_elsewhere(tmp_path: Path) -> None:
    git = checkout(tmp_path / "main", "ref: refs/heads/main")
    own = git / "worktrees" / "other"
    own.mkdir(parents=True)
    (own / "HEAD").write_text("ref: refs/heads/other", encoding="utf-8")
    (own / "commondir").write_text("../..\n", encoding="utf-8")
    (git / "refs" / "heads").mkdir(parents=True)
    (git / "refs" / "heads" / "other").write_text(COMMIT, encoding="utf-8")
    (tmp_path / "tree").mkdir()
    (tmp_path / "tree" / ".git").write_text(f"gitdir: {own}\n", encoding="utf-8")
    assert checkout_commit(tmp_path / "tree") == COMMIT


@pytest.mark.parametrize("head", ["", "ref: ../../secret", "not a commit", "\x00"])
def test_what_is_no_commit_is_none(tmp_path: Path, head: str) -> None:
    checkout(tmp_path, head)
    assert checkout_commit(tmp_path) is None
    assert checkout_commit(tmp_path / "absent") is None
    assert checkout_commit(tmp_path) is None


def test_a_head_that_names_its_commit(tmp_path: Path) -> None:
    checkout(tmp_path, COMMIT + "\n")
    assert checkout_commit(tmp_path) == COMMIT
