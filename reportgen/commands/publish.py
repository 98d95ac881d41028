"""Publishing a site by GitHub Pages: on a branch, or by a workflow."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from reportgen.errors import OptionError, PublishError
from reportgen.given import given_path, given_words, some_paths
from reportgen.progress import SILENT, Progress, observer
from reportgen.publishing.anonymous_site import anonymous_site
from reportgen.publishing.assemble import branch_tree, commit, made_texts, site_tree
from reportgen.publishing.branch import SeenBranch, check_branch_name, seen_branch, tip
from reportgen.publishing.catalogue import Catalogue, Published, check_name
from reportgen.publishing.contents import SiteContents, check_limits, site_contents
from reportgen.publishing.git import LONG_SECONDS, Git, new_repository, said
from reportgen.publishing.remote import NEUTRAL, Remote, default_branch, find_remote, identity, top_folder
from reportgen.publishing.workflow import DeployedFrom, Workflow, requirement, within, write_workflow
from reportgen.records.lease import held
from reportgen.records.owned import STAMP
from reportgen.scanning.machine import forbidden_words
from reportgen.scanning.scanner import check_report
from reportgen.scanning.words import ForbiddenWords
from reportgen.wording import option


@dataclass(frozen=True)
class Publication:
    """What is published, or would be.

    `remote` is the address without credentials, `replaces` the commit that was seen there (None for a new branch),
    `commit` ours, `files` and `size` (bytes) those of this report, `total` the bytes of all reports, `reports` their
    names, `left_out` files in the site's folder that are not the report's, `address` where GitHub serves it.
    """

    remote: str
    branch: str
    name: str
    replaces: str | None
    commit: str
    files: int
    size: int
    total: int
    reports: tuple[str, ...]
    latest: str
    left_out: tuple[str, ...]
    domain: str | None
    address: str | None
    changed: bool
    pushed: bool


def publish(
    site: str | Path = "site",
    *,
    branch: str = "gh-pages",
    remote: str = "origin",
    push: bool = False,
    name: str = "",
    latest: bool = False,
    drop: str | Sequence[str] = (),
    replace: bool = False,
    anonymous: bool = False,
    keep_digest: bool = False,
    forbid: str | Sequence[str] = (),
    runs: str | Path | Iterable[str | Path] = "runs",
    repository: str | Path = ".",
    progress: Progress | bool = SILENT,
) -> Publication:
    """Put the site on a branch of a remote, as GitHub Pages serves it, and return what that is.

    Nothing leaves this machine unless `push` is true; the remote is asked what is there in any case. The branch has
    one commit, which replaces that of the last time, provided that nobody changed it since it was looked at; a branch
    with anything that reportgen did not publish is refused. The working tree, the index and the hooks of the
    `repository` play no part.

    With `name` the report lies in a folder of that name beside those published before, which stay as they are; a page
    at the top lists them, and ``latest`` leads to the first, or to one published with `latest`. `drop` removes
    reports of these names, `replace` all that the branch holds. `remote` is a name or an address.

    With `anonymous` it is not `site` that is published but a site of the computed `runs`, rendered without what tells
    who made them (``reportgen.anonymous.fields.DROPPED``; `keep_digest` keeps the weights' digest) and searched for
    the names of this machine and its user. The commit has nobody's name and no time of day. The remote is the caller's
    choice: its address tells whose it is. `forbid` are words that must not be in what is published, also otherwise.

    Raises OptionError for names that cannot be, RenderError when `site` is no finished site of ours, PublishError
    when git or the remote refuses, or when GitHub's limits (1 GB, 100 MB a file) are passed, ForbiddenWordError for a
    name or word that was found.
    """
    progress = observer(progress)
    site, repository, forbid = given_path(site), given_path(repository), given_words(forbid)
    if name:
        check_name(name)
    if latest and not name:
        raise OptionError(f"{option('--latest')} needs a name that latest leads to: give one by {option('--as')}.")
    with tempfile.TemporaryDirectory(prefix="reportgen-publish-") as scratch, _reading(site, progress):
        there = find_remote(repository, remote)
        outside = Git(Path(scratch), there.settings)
        branch = check_branch_name(outside, branch)
        found = tip(outside, there, branch)
        words = ForbiddenWords(forbidden_words(forbid))
        if anonymous:
            site, words = anonymous_site(
                some_paths(runs, "runs"), Path(scratch), forbid=forbid, keep_digest=keep_digest, progress=progress
            )
        contents = site_contents(site)
        if not anonymous:
            check_report(site, words, site.name, progress)
        check_limits(contents, ())
        form = "sha256" if len(found or "") == 64 else "sha1"
        git = new_repository(Path(scratch, "branch.git"), form, {**there.settings, "remote.there.url": there.url})
        with progress.task(f"Looking at {there.shown}", 1) as task:
            seen = seen_branch(git, there, branch, found)
            task.advance()
        before = Catalogue() if replace else seen.catalogue.without(given_words(drop))
        with progress.task("Putting the branch together", 1) as task:
            report = _report(name, site_tree(git, contents), contents, before, anonymous=anonymous)
            catalogue = before.with_report(report, latest=latest)
            check_limits(contents, [(other.name, other.size) for other in catalogue.reports if other is not report])
            tree = branch_tree(git, catalogue, report, contents, seen)
            made = commit(git, tree, report, NEUTRAL if anonymous else identity(repository))
            check_report(made_texts(git), words, branch)
            task.advance()
        changed = found is None or git.text("rev-parse", f"{found}^{{tree}}") != tree
        if push and changed:
            with progress.task(f"Pushing to {there.shown}", 1) as task:
                _push(git, there, seen, made)
                task.advance()
        return _publication(there, seen, contents, catalogue, report, made, changed=changed, pushed=push and changed)


def publish_workflow(
    site: str | Path = "site",
    *,
    source: DeployedFrom = "site",
    runs: str | Path = "runs",
    branch: str | None = None,
    install: str | None = None,
    repository: str | Path = ".",
) -> Path:
    """Write ``.github/workflows/report.yml``, by which GitHub's own machines publish the report; return the file.

    `source` says what is deployed: ``site`` the folder `site` as it is committed, ``runs`` a site rendered from the
    committed folder `runs`, ``build`` the report on the bundled network, computed there. `branch` is the one whose
    pushes deploy, by default the repository's default branch, and `install` what pip installs reportgen from, by
    default this version of it, or the repository itself where that is reportgen's. A file of another origin, or one
    that was edited, is not replaced. Raises OptionError for folders outside the repository, PublishError when there is
    no repository or the file is not ours.
    """
    repository = given_path(repository)
    top = top_folder(repository)
    workflow = Workflow(
        source=source,
        site=within(top, repository / site, "--site"),
        runs=within(top, repository / runs, "--runs"),
        branch=branch or default_branch(repository),
        install=install or requirement(top),
    )
    return write_workflow(top, workflow)


@contextmanager
def _reading(site: Path, progress: Progress) -> Iterator[None]:
    """Keep a site from being written while it is read, where that can be; a folder that is none is left alone."""
    if (site / STAMP).is_file() and os.access(site, os.W_OK):
        with held(site, progress.note):
            yield
    else:
        yield


def _report(name: str, tree: str, contents: SiteContents, before: Catalogue, *, anonymous: bool) -> Published:
    """Return the report's entry; one that is there already keeps its date."""
    today = datetime.now(UTC).date().isoformat()
    dates = {(other.name, other.tree): other.published for other in before.reports}
    published = dates.get((name, tree), today)
    return Published(name, tree, contents.title, len(contents.files), contents.size, published, anonymous)


def _publication(
    there: Remote,
    seen: SeenBranch,
    contents: SiteContents,
    catalogue: Catalogue,
    report: Published,
    made: str,
    *,
    changed: bool,
    pushed: bool,
) -> Publication:
    domain = contents.domain or seen.domain
    return Publication(
        remote=there.shown,
        branch=seen.name,
        name=report.name,
        replaces=seen.commit,
        commit=made,
        files=len(contents.files),
        size=contents.size,
        total=sum(other.size for other in catalogue.reports),
        reports=tuple(catalogue.names()),
        latest=catalogue.latest,
        left_out=contents.left_out,
        domain=domain,
        address=f"https://{domain}/" if domain else there.pages_address,
        changed=changed,
        pushed=pushed,
    )


def _push(git: Git, there: Remote, seen: SeenBranch, made: str) -> None:
    """Replace the branch by our commit if it is as it was seen; raises PublishError when it is not, or on refusal."""
    lease = f"--force-with-lease={seen.ref}:{seen.commit or ''}"
    refspec = f"{made}:{seen.ref}"
    answer = git.asked("push", "--porcelain", "--no-verify", lease, "--", "there", refspec, seconds=LONG_SECONDS)
    if answer.returncode == 0:
        return
    refused = b"".join(line for line in answer.stdout.splitlines(keepends=True) if line.startswith(b"!"))
    if b"(stale info)" in refused or b"(fetch first)" in refused:
        raise PublishError(
            f"The branch {seen.name} of {there.shown} was changed by somebody else meanwhile: nothing was replaced. "
            "Run this again to see what it holds now."
        )
    raise PublishError(
        f"The remote {there.shown} did not take the branch {seen.name}: {said(refused + answer.stderr)}. Nothing was "
        "changed there; check that you may push to it (`git push --dry-run`)."
    )
