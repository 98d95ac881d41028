"""The commands about files: weights, the site's server, what is no longer used."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from reportgen.cli.options import FILE, QUIET, RUNS, SITE, ZOO, SureValues, takes
from reportgen.cli.session import shown_progress


@click.command(cls=SureValues)
@click.argument("model")
@takes(
    click.option("--variant", metavar="NAME_OR_INDEX", help="Which of the published files.  [default: the first]"),
    click.option("--to", "destination", type=FILE, metavar="FILE", help="Where to put it.  [default: the cache]"),
    click.option("--yes", is_flag=True, help="Do not ask."),
    ZOO,
    QUIET,
)
def fetch(
    model: str, variant: str | None, destination: Path | None, yes: bool, zoo: tuple[Path, ...], quiet: bool
) -> None:
    """Download the published weights of MODEL; shows address, size and licence first."""
    from reportgen.cli.tables import offer_text
    from reportgen.commands.fetch import fetch as fetch_weights

    def confirm(offer: Any) -> bool:
        click.echo(offer_text(offer), err=True)
        return yes or click.confirm("Download it?", err=True)

    with shown_progress(quiet) as progress:
        chosen = int(variant) if variant and variant.isdigit() else variant
        fetched = fetch_weights(
            model, variant=chosen, destination=destination, zoo=zoo, progress=progress, confirm=confirm
        )
    if fetched is None:
        click.echo("Nothing was downloaded.", err=True)
        raise click.exceptions.Exit(1)
    click.echo(fetched.path)


@click.command(cls=SureValues)
@click.option("--port", type=click.IntRange(0, 65535), default=8000, show_default=True, help="0 takes a free one.")
@SITE
def serve(site: Path | None, port: int) -> None:
    """Serve the site on this machine, until Ctrl-C."""
    from reportgen.commands.serve import serve as serve_site

    serve_site(site or Path("site"), port, ready=lambda address: click.echo(f"Serving {address} (Ctrl-C ends)"))


@click.command(cls=SureValues)
@takes(
    RUNS,
    SITE,
    click.option("--all", "everything", is_flag=True, help="Remove the runs and the site too."),
    click.option("--yes", is_flag=True, help="Do not ask."),
)
def clean(runs: Path | None, site: Path | None, everything: bool, yes: bool) -> None:
    """Remove what the last build of each run no longer uses, and what killed exports left beside runs and site."""
    from reportgen.commands.clean import clean as clean_outputs

    runs, site = runs or Path("runs"), site or Path("site")
    if everything and not yes:
        click.confirm(f"Remove {runs} and the contents of {site}?", abort=True)
    with shown_progress(quiet=False) as progress:
        files, size = clean_outputs(runs, site, everything=everything, progress=progress)
    click.echo(f"Removed {files} files, {size / 1e6:.1f} MB.")
