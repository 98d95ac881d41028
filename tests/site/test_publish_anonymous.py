"""An anonymous report on a branch: nobody is told by its files, by what stands beside them, or by the commit."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from reportgen.commands.publish import publish
from reportgen.errors import ForbiddenWordError, OptionError
from reportgen.scanning.scanner import scan
from tests.site.test_anonymous import HOST, LAB, PERSON, WORDS, Telling
from tests.unit.publishing.folders import git, make_repository, make_site

pytestmark = pytest.mark.slow


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    repository = make_repository(tmp_path / "here")
    git(repository, "config", "user.name", LAB)
    git(repository, "config", "user.email", f"{LAB}@example.org")
    Telling(repository / "runs/net", "net", "Net", seed=0).write()
    monkeypatch.setenv("USER", PERSON)
    monkeypatch.setattr("socket.gethostname", lambda: HOST)
    monkeypatch.chdir(repository)
    return repository


@pytest.mark.long
def test_nothing_on_the_branch_tells_who_made_it(here: Path, tmp_path: Path) -> None:
    there = tmp_path / "there.git"
    publish(name="review", anonymous=True, push=True)
    git(tmp_path, "clone", "--quiet", "--branch", "gh-pages", str(there), "clone")
    clone = tmp_path / "clone"
    assert (clone / "review/net/index.html").is_file()
    (clone / ".git").rename(tmp_path / "clone.git")
    assert list(scan(clone, WORDS, "clone")) == []
    assert not (here / "site").exists()


def test_the_commit_has_nobody_s_name_and_no_time_of_day(
    here: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    there = tmp_path / "there.git"
    made = make_site(tmp_path / "made")
    monkeypatch.setattr("reportgen.commands.publish.anonymous_site", lambda *_, **__: (made, WORDS))
    publish(name="review", anonymous=True, push=True)
    commit = git(there, "cat-file", "commit", "gh-pages")
    assert not list(WORDS.in_metadata(commit))
    people = re.findall(
        r"^(?:author|committer) reportgen <reportgen@example.invalid> (\d+) \+0000$", commit, re.MULTILINE
    )
    assert len(people) == 2
    assert {int(time) % 86400 for time in people} == {0}
    # Beside it no report may lie that tells.
    with pytest.raises(OptionError, match="anonymous"):
        publish(make_site(here / "site"), name="ours", push=True)


@pytest.mark.long
def test_a_forbidden_word_beside_the_report_is_found_too(here: Path, tmp_path: Path) -> None:
    site = make_site(here / "site")
    for words, forbidden in (({"name": "Gardlab-v1"}, LAB), ({}, "kernels")):
        with pytest.raises(ForbiddenWordError, match=forbidden.lower()):
            publish(site, forbid=[forbidden], push=True, **words)
    assert git(tmp_path / "there.git", "for-each-ref") == ""
