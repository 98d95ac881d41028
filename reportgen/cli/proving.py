"""The commands that check a report that came from elsewhere."""

from __future__ import annotations

from pathlib import Path

import click

from reportgen.cli.options import JSON, QUIET, takes
from reportgen.cli.session import shown_progress

_REPORT = click.Path(path_type=Path)


@click.command()
@click.argument("report", type=_REPORT)
@takes(
    click.option("--digest", metavar="HEX", help="Root digest that came by another way, such as in the paper."),
    click.option("--ignore", metavar="GLOB", multiple=True, help="Files in the folder that are no part of the report."),
    click.option("--strict", is_flag=True, help="Fail where an answer is not known, too."),
    JSON,
    QUIET,
)
def verify(report: Path, digest: str | None, ignore: tuple[str, ...], strict: bool, as_json: bool, quiet: bool) -> None:
    """Check REPORT, a report's folder or zip archive; the exit code is 28 when it does not hold.

    Three answers are kept apart: whether its files are unchanged since the root digest was given out, whether it is
    consistent in itself, and whether its records come out the same when they are computed again.
    """
    from reportgen.cli.proof_lines import verification_lines
    from reportgen.commands.verify import verify as verify_report

    with shown_progress(quiet) as progress:
        found = verify_report(report, digest=digest, ignore=ignore, progress=progress)
    click.echo(found.model_dump_json(indent=1) if as_json else verification_lines(found))
    found.require(strict=strict)
