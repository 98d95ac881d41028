"""The commands that make a report and judge it."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from reportgen.cli.flags import read_options
from reportgen.cli.options import (
    ARROWS,
    DEBUG,
    FILE,
    FRESH,
    JSON,
    MACHINE,
    MAX_SIZE,
    MEDIA_AMOUNT,
    QUIET,
    RUNS,
    SELECT,
    SITE,
    WHAT,
    WORKERS,
    ManyClips,
    SureValues,
    takes,
)
from reportgen.cli.session import command_line, finish, show, shown_progress

if TYPE_CHECKING:
    from reportgen.config.forms import MediaAmount


@click.command(cls=ManyClips)
@takes(WHAT, WORKERS, RUNS, SITE, ARROWS, MEDIA_AMOUNT, MAX_SIZE, QUIET, DEBUG)
def build(quiet: bool, debug: bool, **flags: Any) -> None:
    """Compute what is missing and render the site."""
    options = read_options(flags)
    from reportgen.commands.build import build as build_report  # torch, after the options are known to be valid

    with shown_progress(quiet) as progress:
        summary = build_report(options, command=command_line(), progress=progress, debug=debug)
    finish(summary, quiet)


@click.command(cls=ManyClips)
@takes(WHAT, WORKERS, RUNS, QUIET, DEBUG)
def compute(quiet: bool, debug: bool, **flags: Any) -> None:
    """Compute runs without rendering: what `build` does first."""
    options = read_options(flags)
    from reportgen.commands.compute import compute as compute_runs  # torch, after the options are known to be valid

    with shown_progress(quiet) as progress:
        summary = compute_runs(options, command=command_line(), progress=progress, debug=debug)
    finish(summary, quiet)


@click.command(cls=ManyClips)
@takes(WHAT, WORKERS, MACHINE, RUNS, QUIET, JSON)
def plan(quiet: bool, as_json: bool, machine: str | None, times: float | None, **flags: Any) -> None:
    """Tell what `compute` with the same flags has to do: jobs, hours, bytes and the expected end.

    Hours are fitted to the records of all runs, with their error; in the middle of a campaign they are those that are
    left. Nothing is written, and nothing is computed but one forward pass of each shown clip.
    """
    options = read_options(flags)
    from reportgen.cli.tables import plan_table
    from reportgen.commands.plan import plan as plan_runs  # torch, after the options are known to be valid

    with shown_progress(quiet) as progress:
        found = plan_runs(options, machine=machine, times=times, progress=progress)
    show(found, plan_table, as_json)


@click.command(cls=ManyClips)
@click.argument("run", type=click.Path(file_okay=False, path_type=Path))
@takes(WHAT, QUIET)
def work(run: Path, quiet: bool, **flags: Any) -> None:
    """Compute beside other workers what the planned run RUN lacks.

    For any scheduler, or a second machine that shares the folder: start it as often as there are processors or GPUs.
    The plan is data; programs, weights and clips come from these flags and must be those that RUN was planned with.
    """
    options = read_options({**flags, "runs": run.parent})
    from reportgen.commands.work import work as work_at_run  # torch, after the options are known to be valid

    with shown_progress(quiet) as progress:
        done = work_at_run(run, options, progress=progress)
    click.echo(f"{done.computed} jobs computed here, {done.failed} failed.")


@click.command(cls=SureValues)
@takes(RUNS, SITE, SELECT, ARROWS, MEDIA_AMOUNT, FRESH, QUIET)
def render(
    runs: Path | None,
    site: Path | None,
    select: tuple[str, ...],
    arrows: bool | None,
    media: MediaAmount | None,
    fresh: bool,
    quiet: bool,
) -> None:
    """Render the site from computed runs; needs no torch and computes nothing.

    Files of the last render are kept where nothing that they show has changed and nobody edited them.
    """
    from reportgen.commands.render import render as render_site

    with shown_progress(quiet) as progress:
        index = render_site(
            runs or Path("runs"),
            site or Path("site"),
            select=select,
            arrows=bool(arrows),
            media=media or "standard",
            fresh=fresh,
            progress=progress,
        )
    click.echo(index)


@click.command(cls=SureValues)
@takes(
    RUNS,
    click.option("--config", type=FILE, metavar="FILE", help="Limits in its table [check].  [default: the run's own]"),
    click.option("--strict", is_flag=True, help="Fail on verdicts that were not tested too."),
    JSON,
)
def check(runs: Path | None, config: Path | None, strict: bool, as_json: bool) -> None:
    """Compare the figures of computed runs with their limits; the exit code is 24 when one misses."""
    from reportgen.cli.tables import audit_lines
    from reportgen.commands.check import check as check_runs
    from reportgen.commands.check import require, verdict_counts
    from reportgen.config.reading import load_options

    limits = load_options({}, config=config).check if config else None
    audits = check_runs(runs or Path("runs"), limits=limits)
    if as_json:
        click.echo(json.dumps([asdict(audit) for audit in audits], indent=1))
    else:
        click.echo(audit_lines(audits))
        click.echo(verdict_counts(audits))
    require(audits, strict=strict)
