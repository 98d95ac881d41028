"""The command that brings a report to GitHub Pages."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from reportgen.cli.options import FORBID, KEEP_DIGEST, QUIET, RUNS, SITE, ManyWords, takes
from reportgen.cli.session import shown_progress
from reportgen.errors import OptionError

if TYPE_CHECKING:
    from reportgen.commands.publish import Publication
    from reportgen.publishing.workflow import DeployedFrom

_ONLY_BRANCH = ("branch", "remote", "push", "name", "latest", "drop", "replace", "anonymous", "keep_digest", "forbid")
_ONLY_WORKFLOW = ("source", "on_branch", "install")
_FLAGS = {"name": "as", "keep_digest": "keep-digest", "source": "from", "on_branch": "on"}


@click.command(cls=ManyWords)
@takes(
    click.option("--branch", metavar="NAME", help="Branch that Pages serves.  [default: gh-pages]"),
    click.option(
        "--remote", metavar="NAME_OR_ADDRESS", help="Remote that has the branch, or its address.  [default: origin]"
    ),
    click.option("--push", is_flag=True, help="Do it; without this it is only said what would be done."),
    click.option(
        "--as",
        "name",
        metavar="NAME",
        help="Put the report into a folder of the branch, beside others: versions/v1.0. A page at the top lists them.",
    ),
    click.option("--latest", is_flag=True, help="Have `latest` lead to this report; the first one it leads to anyway."),
    click.option("--drop", multiple=True, metavar="NAME", help="Remove this report from the branch; may be repeated."),
    click.option("--replace", is_flag=True, help="Remove all that reportgen has published on the branch before."),
    click.option(
        "--workflow",
        is_flag=True,
        help="Write .github/workflows/report.yml, by which GitHub deploys the report.",
    ),
    click.option(
        "--from",
        "source",
        type=click.Choice(["site", "runs", "build"]),
        help="What the workflow deploys: the committed site, one rendered from committed runs, or the report on the "
        "bundled network, built there.  [default: site]",
    ),
    click.option("--on", "on_branch", metavar="BRANCH", help="Branch whose pushes deploy.  [default: origin's]"),
    click.option(
        "--install",
        metavar="WORDS",
        help="What the workflow tells pip to install.  [default: this version of reportgen-conv3d]",
    ),
    click.option(
        "--anonymous",
        is_flag=True,
        help="Publish, instead of the site, one of the runs that leaves out who made it, and search it for this "
        "machine's names.",
    ),
    KEEP_DIGEST,
    FORBID,
    SITE,
    RUNS,
    QUIET,
)
def publish(workflow: bool, site: Path | None, quiet: bool, **flags: object) -> None:
    """Publish the site by GitHub Pages: on a branch (shown first, done with --push), or by a workflow."""
    for name in _ONLY_BRANCH if workflow else _ONLY_WORKFLOW:
        if flags[name]:
            flag, way = _FLAGS.get(name, name), "without" if workflow else "with"
            raise OptionError(f"--{flag} goes {way} --workflow: leave one of them out.")
    if flags["anonymous"] and site:
        raise OptionError("--anonymous renders a site of its own from the runs: leave --site out.")
    if flags["runs"] and not (workflow or flags["anonymous"]):
        raise OptionError("--runs goes with --workflow or --anonymous: what is published else is the site.")
    site = site or Path("site")
    if workflow:
        _workflow(site, quiet, **flags)  # type: ignore[arg-type]
    else:
        _branch(site, quiet, **flags)  # type: ignore[arg-type]


def _workflow(
    site: Path,
    quiet: bool,
    *,
    source: DeployedFrom | None,
    on_branch: str | None,
    install: str | None,
    runs: Path | None,
    **_: object,
) -> None:
    from reportgen.commands.publish import publish_workflow

    path = publish_workflow(site, source=source or "site", runs=runs or Path("runs"), branch=on_branch, install=install)
    if not quiet:
        needs = {"site": f"{site}", "runs": f"{runs or 'runs'}", "build": ""}[source or "site"]
        also = f" with {needs} (`git add --force {needs}` where it is ignored)" if needs else ""
        click.echo(
            f"Commit it{also} and push; in the repository's settings, Pages, choose GitHub Actions as the source.",
            err=True,
        )
    click.echo(path)


def _branch(
    site: Path,
    quiet: bool,
    *,
    branch: str | None,
    remote: str | None,
    push: bool,
    name: str | None,
    latest: bool,
    drop: tuple[str, ...],
    replace: bool,
    anonymous: bool,
    keep_digest: bool,
    forbid: tuple[str, ...],
    runs: Path | None,
    **_: object,
) -> None:
    from reportgen.commands.publish import publish as publish_site

    with shown_progress(quiet) as progress:
        done = publish_site(
            site,
            branch=branch or "gh-pages",
            remote=remote or "origin",
            push=push,
            name=name or "",
            latest=latest,
            drop=drop,
            replace=replace,
            anonymous=anonymous,
            keep_digest=keep_digest,
            forbid=forbid,
            runs=runs or Path("runs"),
            progress=progress,
        )
    if not quiet:
        click.echo("\n".join(_lines(done, push)))


def _lines(done: Publication, push: bool) -> list[str]:
    """Return what is, or would be, where."""
    from reportgen.publishing.contents import megabytes

    rows = [
        ("remote", done.remote),
        ("branch", done.branch + (f", now at {done.replaces[:12]}" if done.replaces else ", which is new")),
        ("report", f"{done.files:,} files, {megabytes(done.size)}" + (f", as {done.name}" if done.name else "")),
    ]
    if done.name:
        rows.append(("beside", ", ".join(name for name in done.reports if name != done.name) or "no other report"))
        rows.append(("in all", megabytes(done.total)))
        rows.append(("latest", done.latest or "leads nowhere"))
    if done.domain:
        rows.append(("domain", f"{done.domain} (CNAME)"))
    if done.left_out:
        more = f" and {len(done.left_out) - 3} more" if len(done.left_out) > 3 else ""
        rows.append(("left out", f"{', '.join(done.left_out[:3])}{more}: not the report's"))
    lines = [f"{what:<9}{told}" for what, told in rows]
    if not done.changed:
        return [*lines, "The branch holds this already: nothing to do."]
    if not push:
        return [*lines, "Nothing was pushed. Run it again with --push to do this."]
    lines.append(f"Pushed as one commit, {done.commit[:12]}.")
    if done.address:
        lines.append(f"{done.address} (with the branch {done.branch} as source in the settings, Pages)")
    return lines
