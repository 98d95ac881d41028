"""Several reports on one branch: each in its folder, a page that lists them, and `latest`."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from reportgen.commands import publish as command
from reportgen.commands.publish import Publication, publish
from reportgen.errors import OptionError, PublishError
from reportgen.publishing import contents
from reportgen.publishing.catalogue import MARKER, check_name
from reportgen.publishing.git import Git
from tests.unit.publishing.folders import branch_files, git, make_repository, make_site


class Reports:
    """A repository whose reports are published side by side."""

    def __init__(self, here: Path) -> None:
        self.here = make_repository(here)
        self.there = here.parent / "there.git"

    def publish(self, name: str, **options: object) -> Publication:
        site = make_site(self.here / "site", words=name, title=f"Report {name}")
        return publish(site, name=name, push=True, repository=self.here, **options)  # type: ignore[arg-type]

    def files(self) -> dict[str, str]:
        return branch_files(self.there)

    def trees(self) -> dict[str, str]:
        return {report["name"]: report["tree"] for report in json.loads(self.files()[MARKER])["reports"]}


@pytest.fixture
def reports(tmp_path: Path) -> Reports:
    return Reports(tmp_path / "here")


def test_publishing_one_leaves_the_others_as_they_are(reports: Reports) -> None:
    reports.publish("versions/v1.0")
    before = reports.trees()
    done = reports.publish("versions/v1.1")
    assert done.reports == ("versions/v1.0", "versions/v1.1")
    files = reports.files()
    assert files["versions/v1.0/index.html"].endswith("versions/v1.0")
    assert files["versions/v1.1/index.html"].endswith("versions/v1.1")
    assert reports.trees() | before == reports.trees()
    reports.publish("versions/v1.1", latest=True)
    assert git(reports.there, "rev-list", "--count", "gh-pages") == "1"


def test_large_files_of_other_reports_are_not_fetched_where_the_remote_can_filter(
    reports: Reports, monkeypatch: pytest.MonkeyPatch
) -> None:
    git(reports.there, "config", "uploadpack.allowFilter", "true")
    site = make_site(reports.here / "site", more={"large.bin": "x" * 2_000_000})
    publish(site, name="a", push=True, repository=reports.here)
    here: list[str] = []
    commit = command.commit

    def seen(git: Git, *words: object) -> str:
        here.append(git.text("cat-file", "--batch-check=%(objectsize)", "--batch-all-objects"))
        return commit(git, *words)  # type: ignore[arg-type]

    monkeypatch.setattr(command, "commit", seen)
    reports.publish("b")
    assert "2000000" not in here[0].split()
    assert len(reports.files()["a/large.bin"]) == 2_000_000


def test_the_page_at_the_top_lists_them_as_text(reports: Reports) -> None:
    site = make_site(reports.here / "site", title="&lt;script&gt;alert(1)&lt;/script&gt;")
    publish(site, name="a", push=True, repository=reports.here)
    reports.publish("b")
    page = reports.files()["index.html"]
    assert re.findall(r'<li><a href="([^"]+)">', page) == ["b/index.html", "a/index.html"]
    assert "<script>" not in page
    assert "&lt;script&gt;alert(1)" in page


def test_latest_leads_each_page_to_the_report_that_was_named(reports: Reports) -> None:
    reports.publish("versions/v1")
    assert '"../versions/v1/index.html"' in reports.files()["latest/index.html"]
    done = reports.publish("versions/v2")
    assert done.latest == "versions/v1"
    assert '"../versions/v1/index.html"' in reports.files()["latest/index.html"]
    reports.publish("versions/v2", latest=True)
    files = reports.files()
    assert '"../../versions/v2/net/layer.html"' in files["latest/net/layer.html"]
    assert not any("versions/v1" in text for path, text in files.items() if path.startswith("latest/"))


def test_a_report_may_itself_be_named_latest(reports: Reports) -> None:
    reports.publish("v1")
    reports.publish("latest")
    files = reports.files()
    assert files["latest/index.html"].endswith("latest")
    reports.publish("v2")
    assert reports.files()["latest/index.html"] == files["latest/index.html"]
    with pytest.raises(OptionError, match="itself named latest"):
        reports.publish("v2", latest=True)


def test_reports_are_dropped_by_name(reports: Reports) -> None:
    reports.publish("a")
    reports.publish("b")
    done = reports.publish("c", drop=["a"])
    assert (done.reports, done.latest) == (("b", "c"), "c")
    assert not any(path.startswith("a/") for path in reports.files())
    with pytest.raises(OptionError, match=r"'a'.*b, c"):
        reports.publish("c", drop=["a"])


def test_one_report_at_the_top_and_several_exclude_each_other(reports: Reports) -> None:
    reports.publish("")
    with pytest.raises(OptionError, match="`replace=True`"):
        reports.publish("v1")
    reports.publish("v1", replace=True)
    with pytest.raises(OptionError, match="`name`"):
        reports.publish("")
    assert "net/layer.html" not in reports.files()


def test_reports_do_not_lie_in_one_another(reports: Reports) -> None:
    reports.publish("a/b")
    for name in ("a", "a/b/c", "A/B"):
        with pytest.raises(OptionError, match="in one another"):
            reports.publish(name)


def test_all_reports_count_towards_the_limit(reports: Reports, monkeypatch: pytest.MonkeyPatch) -> None:
    size = reports.publish("a").size
    monkeypatch.setattr(contents, "SITE_LIMIT", size + 10)
    with pytest.raises(PublishError, match=r"1 other report.*a .*`drop`"):
        reports.publish("b")
    reports.publish("b", drop=["a"])


@pytest.mark.parametrize(
    "name",
    ["..", "a/../b", "/a", "a//b", ".git", "a/.git", "index.html", "CNAME", "a b", "a\n", "-a", "a/", "é", "x.git"],
)
def test_names_that_are_no_plain_folders_are_refused(name: str) -> None:
    with pytest.raises(OptionError):
        check_name(name)


def test_a_marker_that_was_tampered_with_is_none_of_ours(reports: Reports) -> None:
    from tests.unit.publishing.folders import add_commit

    reports.publish("a")
    marker = reports.files()[MARKER].replace('"name": "a"', '"name": "../a"')
    add_commit(reports.there, {MARKER: marker}, "", amend=True)
    with pytest.raises(PublishError, match="did not publish"):
        reports.publish("b")
