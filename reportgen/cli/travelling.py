"""The commands that carry a report away."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from reportgen.cli.options import FORBID, KEEP_DIGEST, QUIET, RUNS, SELECT, ManyWords, takes
from reportgen.cli.session import shown_progress


@click.command(cls=ManyWords)
@takes(
    click.option(
        "--format",
        "form",
        required=True,
        metavar="NAME",
        help="zip: the site as one archive. pdf: the summary as 4 to 12 pages. html: the summary, or one page, as "
        "one file. latex: tables and figures for a paper. csv: every table and chart's data. "
        "gifs: the published set of GIFs.",
    ),
    click.option("--to", "target", type=click.Path(path_type=Path), metavar="PATH", help="File or folder to write."),
    click.option("--page", default="", metavar="ADDRESS", help="html: this page of the site, such as i3d/audit.html."),
    click.option(
        "--published", default="", metavar="URL", help="Where the site is or will be: links lead there, else nowhere."
    ),
    click.option(
        "--max-size",
        metavar="SIZE",
        help="Of a zip: what no page needs is left out and pictures are made smaller until it fits; it holds a list of "
        "what was done.  [default: 95MB]",
    ),
    click.option(
        "--anonymous", is_flag=True, help="Leave out who made it, and search the result for this machine's names."
    ),
    KEEP_DIGEST,
    FORBID,
    RUNS,
    SELECT,
    QUIET,
)
def export(form: str, target: Path | None, runs: Path | None, quiet: bool, **options: Any) -> None:
    """Write the report on computed runs in another form than a site."""
    from reportgen.commands.export import export as export_report

    with shown_progress(quiet) as progress:
        place = export_report(runs or Path("runs"), form, to=target, progress=progress, **options)
    click.echo(place)
