"""`reportgen publish` as it is typed."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from reportgen.cli import cli
from reportgen.errors import OptionError
from tests.unit.publishing.folders import branch_files, git, make_repository, make_site


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    repository = make_repository(tmp_path / "here")
    make_site(repository / "site")
    (repository / "site/notes.txt").write_text("mine")
    monkeypatch.chdir(repository)
    return repository


def publish(*words: str) -> Result:
    return CliRunner().invoke(cli, ["publish", *words])


def test_it_says_what_it_would_do_and_does_it_when_told(here: Path) -> None:
    there = here.parent / "there.git"
    said = publish("--as", "v1").stdout
    for words in (str(there), "gh-pages, which is new", "3 files", "as v1", "notes.txt: not the report's", "--push"):
        assert words in said
    assert git(there, "for-each-ref") == ""
    assert "Pushed as one commit" in publish("--as", "v1", "--push").stdout
    assert "v1/index.html" in branch_files(there)
    assert "nothing to do" in publish("--as", "v1", "--push").stdout


def test_the_workflow_says_what_to_commit(here: Path) -> None:
    done = publish("--workflow", "--from", "runs", "--runs", "results")
    assert done.stdout.endswith(".github/workflows/report.yml\n")
    assert "git add --force results" in done.stderr


@pytest.mark.parametrize("words", [("--workflow", "--push"), ("--from", "runs"), ("--workflow", "--as", "v1")])
def test_options_of_the_other_way_are_refused(here: Path, words: tuple[str, ...]) -> None:
    result = publish(*words)
    assert isinstance(result.exception, OptionError)
    assert "--workflow" in str(result.exception)
